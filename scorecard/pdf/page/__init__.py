"""What every section of a scorecard is made with: the close as it is read, formats, words, charts."""
