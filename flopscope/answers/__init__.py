"""What is computed for each question: a file a verb, which `present` lays out and `cli` asks.

Verbs that have a room of their own compute there: `assert`, `pareto` and `solve` in `search`,
`audit` and `reconcile` in `reconciling`, `laws` in `laws`.
"""
