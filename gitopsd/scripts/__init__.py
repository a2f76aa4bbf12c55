"""Users' own code: health checks in Lua, ignore rules in jq; run in workers, answered as values."""
