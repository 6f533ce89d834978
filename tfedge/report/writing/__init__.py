"""Reports in words: blocks of text, tables and charts, written as HTML or Markdown."""
