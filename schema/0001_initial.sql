-- 0001_initial: what one coordinator keeps about one mesh.
--
--   mesh 1 --- n record        everything signed, as it travels
--   token 1 -- n node 1 -- n address, endpoint
--
-- record holds the truth that agents verify; the other tables are the
-- coordinator's own books: who may come in, what is taken, who is where. A
-- signed payload stays text, byte for byte as it was signed.
--
-- Times are seconds since 1970 UTC. mesh.serial counts changes of the netmap: a
-- row with a higher serial than an agent's has not reached that agent yet.
-- This file never changes again; the next step is 0002_*.sql.

CREATE TABLE mesh (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	id BLOB NOT NULL CHECK (length(id) = 16),
	operator_key BLOB NOT NULL CHECK (length(operator_key) = 32),
	serial INTEGER NOT NULL CHECK (serial >= 0),
	created_at INTEGER NOT NULL
) STRICT;

-- subject: the mesh's id, a grant's delegate key, or a node's id.
-- serial NULL: kept, and nobody is told yet (a grant that nobody has used).
CREATE TABLE record (
	type TEXT NOT NULL CHECK (type IN
		('mesh', 'grant', 'membership', 'key', 'removal')),
	subject BLOB NOT NULL CHECK (length(subject) IN (16, 32)),
	serial INTEGER CHECK (serial > 0),
	signer BLOB NOT NULL CHECK (length(signer) = 32),
	signature BLOB NOT NULL CHECK (length(signature) = 64),
	payload TEXT NOT NULL,
	PRIMARY KEY (type, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_by_serial ON record (serial);

-- secret_hash: keyed BLAKE2b; the key is in auth.key beside the database.
CREATE TABLE token (
	id TEXT NOT NULL UNIQUE CHECK (length(id) = 16),
	kind TEXT NOT NULL CHECK (kind IN ('join', 'api')),
	secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
	note TEXT NOT NULL,
	scopes TEXT NOT NULL,
	delegate BLOB UNIQUE CHECK (length(delegate) = 32),
	uses_max INTEGER NOT NULL CHECK (uses_max >= 0),
	uses INTEGER NOT NULL DEFAULT 0 CHECK (uses >= 0),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	revoked_at INTEGER,
	CHECK (uses_max = 0 OR uses <= uses_max),
	CHECK ((kind = 'join') = (delegate IS NOT NULL))
) STRICT;

-- reserved -> member -> removed; a reservation that ran out is deleted.
CREATE TABLE node (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	state TEXT NOT NULL CHECK (state IN
		('reserved', 'member', 'removed')),
	identity BLOB NOT NULL UNIQUE CHECK (length(identity) = 32),
	name TEXT NOT NULL,
	token TEXT REFERENCES token (id),
	reserved_until INTEGER,
	joined_at INTEGER,
	removed_at INTEGER,
	public_key BLOB CHECK (length(public_key) = 32),
	credential_id TEXT UNIQUE CHECK (length(credential_id) = 16),
	credential_hash BLOB CHECK (length(credential_hash) = 32),
	endpoint_serial INTEGER NOT NULL DEFAULT 0,
	CHECK ((state = 'reserved') = (reserved_until IS NOT NULL)),
	CHECK ((state = 'reserved') = (joined_at IS NULL)),
	CHECK ((state = 'reserved') = (public_key IS NULL)),
	CHECK ((state = 'reserved') = (credential_id IS NULL)),
	CHECK ((state = 'reserved') = (credential_hash IS NULL)),
	CHECK ((state = 'removed') = (removed_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX node_live_name ON node (name)
	WHERE state <> 'removed';
CREATE UNIQUE INDEX node_live_public_key ON node (public_key)
	WHERE state <> 'removed';
CREATE INDEX node_by_endpoint_serial ON node (endpoint_serial);
CREATE INDEX node_by_reservation ON node (reserved_until)
	WHERE state = 'reserved';
CREATE INDEX node_by_token ON node (token);

-- node NULL: somebody had it once, nobody has it now.
CREATE TABLE address (
	family INTEGER NOT NULL CHECK (family IN (4, 6)),
	address BLOB NOT NULL CHECK
		(length(address) = CASE family WHEN 4 THEN 4 ELSE 16 END),
	node BLOB REFERENCES node (id),
	freed_at INTEGER,
	PRIMARY KEY (family, address),
	CHECK ((node IS NULL) = (freed_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX address_by_node ON address (node);
CREATE INDEX address_free ON address (family, freed_at) WHERE node IS NULL;

-- Best guess first. Hints: nobody signs them.
CREATE TABLE endpoint (
	node BLOB NOT NULL REFERENCES node (id),
	position INTEGER NOT NULL CHECK (position >= 0),
	endpoint TEXT NOT NULL,
	PRIMARY KEY (node, position)
) STRICT, WITHOUT ROWID;
