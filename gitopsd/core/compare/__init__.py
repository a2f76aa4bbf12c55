"""Target beside live: pairs, verdict, differences and their explanation, what is ignored."""
