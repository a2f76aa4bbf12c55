"""Who may do what: policies in Argo CD's CSV and the roles of projects, compiled once and asked often."""
