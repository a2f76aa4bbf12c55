"""A simulated cluster: speaks the Kubernetes API over HTTPS, keeps everything in memory, runs no container.

It is right in so far as tests/contract/kubernetes passes on it and on a real API server. Known to differ:

- no strategic merge patch, no tables, no OpenAPI document, no subresources but `status` and, for built-in kinds,
  `scale`; webhook configurations and admission policies are stored and not called; of 422s only the basics are found
- a later page of a list shows the present, not the past
- the real server gives the writer the ownership of an atomic list when only the spelling of a quantity in it changes,
  and counts a generation for every write of a NetworkPolicy with an empty list of rules
"""
