"""The functions of `import flopscope as fs`, one file a verb. Each reads its arguments, asks for
the answer that the command of its name asks for, and returns the report that this command prints.
"""
