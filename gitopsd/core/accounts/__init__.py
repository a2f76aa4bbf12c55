"""Who there is: accounts as Argo CD's ConfigMap declares them, and how many failed logins are too many."""
