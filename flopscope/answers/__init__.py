"""What is computed for each question, with one file for each verb; `present` lays the answer out
and `cli` asks for it.

Some verbs have a room of their own: `assert`, `pareto` and `solve` in `search`, `audit` and
`reconcile` in `reconciling`, `laws` in `laws`.
"""
