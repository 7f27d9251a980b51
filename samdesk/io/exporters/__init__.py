"""One file for each kind of file that leaves the program."""
