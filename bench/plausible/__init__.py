"""How believable the simulated region is: what is counted in it, what is published, and the page that shows both."""
