"""The shell: joins the stages, talks to ports, never to an edge."""
