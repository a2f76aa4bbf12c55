"""REST in Argo CD's paths and shapes: a file per resource."""
