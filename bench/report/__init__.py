"""From a run's analysis to figures, tables and one HTML page.

It reads results through the store and never imports what made them.

"""
