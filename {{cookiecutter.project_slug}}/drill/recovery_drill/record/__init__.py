"""What a drill records and is judged by, as values: no process is asked, none is started."""
