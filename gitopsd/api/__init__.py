"""The daemon over HTTP: REST in Argo CD's shapes, webhooks, an event stream; probes and metrics beside it."""
