"""gRPC as Argo CD speaks it, on the port of HTTP; imported when the first client of it comes."""
