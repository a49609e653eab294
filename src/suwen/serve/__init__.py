"""The doors for people and programs: the console's pages, the data services and the standard interfaces."""
