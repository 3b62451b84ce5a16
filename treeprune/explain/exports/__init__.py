"""Rules written for other programs: SQL, Python, JSON, tables and CSV files.

Names of columns and categories come from data, so that nothing here joins them into code as text:
SQL is built as a syntax tree, Python takes them through `repr`, spreadsheets get them defused.
Every export carries the exact limits and is executed against the model in the tests.
"""
