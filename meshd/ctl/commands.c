/* commands: the two tables that are meshctl's command line. */
#include "config.h"

#include "meshd/ctl/ctl.h"

#include "base/banned.h"

struct options ctl_options = {
	.tags = { .items = ctl_options.tag_items, .max = RECORD_TAGS_MAX },
};

#define O ctl_options
static const struct args_option options[] = {
	ARGS_FLAG("json", 'j', "JSON on stdout", &O.json),
	ARGS_TEXT("dir", 0, "DIR",
		"where operator.key is (MESHCTL_DIR; root: /etc/meshctl)",
		&O.dir),
	ARGS_TEXT("socket", 0, "PATH",
		"the coordinator's socket (MESHCTL_SOCKET)", &O.socket),
	ARGS_TEXT("url", 0, "URL",
		"a coordinator elsewhere, https://HOST:PORT (MESHCTL_URL)",
		&O.url),
	ARGS_TEXT("pin", 0, "PIN",
		"its TLS key, as status shows it (MESHCTL_PIN)", &O.pin),
	ARGS_TEXT("token-file", 0, "FILE",
		"holds an API token for it (MESHCTL_TOKEN_FILE)",
		&O.token_file),
	ARGS_TEXT("name", 0, "NAME", "name of the mesh (mesh)", &O.name),
	ARGS_TEXT("ipv4", 0, "PREFIX",
		"its addresses (a random /16 of 100.64.0.0/10)", &O.ipv4),
	ARGS_TEXT("ipv6", 0, "PREFIX",
		"its addresses (a random /48 of fd00::/8)", &O.ipv6),
	ARGS_TEXT("uses", 0, "N", "nodes that it may admit; 0: any number (1)",
		&O.uses),
	ARGS_TEXT("ttl", 0, "TIME",
		"90s 10m 24h 7d: how long it is good (24h; API 30d)", &O.ttl),
	ARGS_LIST("tag", 0, "TAG", "a tag of its nodes; may be repeated",
		&O.tags),
	ARGS_TEXT("note", 0, "TEXT", "a note for token list", &O.note),
	ARGS_TEXT("join-url", 0, "URL",
		"where hosts find the coordinator, if not where it says",
		&O.join_url),
	ARGS_FLAG("api", 0, "a token for the HTTP API, not for nodes", &O.api),
	ARGS_TEXT("scope", 0, "S[,S]",
		"nodes:read nodes:write tokens:write admin", &O.scope),
	ARGS_FLAG("no-wait", 0, "do not wait for the agents", &O.no_wait),
	ARGS_FLAG("check", 0, "fail unless every node is online and up to date",
		&O.check),
};
#undef O

#define RUN(cmd)                                                               \
	static int run_##cmd(void *ctx, char **operands, size_t count)         \
	{                                                                      \
		return ctl_run(cmd_##cmd, operands);                           \
	}
RUN(init)
RUN(token_create)
RUN(token_list)
RUN(token_revoke)
RUN(node_list)
RUN(node_show)
RUN(node_remove)
RUN(node_rename)
RUN(status)

static const struct args_command table[] = {
	{ "init", NULL, 0, 0, "name ipv4 ipv6",
		"make the operator key and the mesh; again: show them",
		run_init },
	{ "token create", NULL, 0, 0, "uses ttl tag note join-url api scope",
		"make a token that lets hosts join, and print it",
		run_token_create },
	{ "token list", NULL, 0, 0, NULL, "list tokens, without secrets",
		run_token_list },
	{ "token revoke", "ID", 1, 1, NULL,
		"let a token admit nobody from now on", run_token_revoke },
	{ "node list", NULL, 0, 0, NULL, "list the nodes", run_node_list },
	{ "node show", "NODE", 1, 1, NULL,
		"show a node (name or id), and its peers as it sees them",
		run_node_show },
	{ "node remove", "NODE", 1, 1, "no-wait",
		"remove a node for good; waits until all have applied it",
		run_node_remove },
	{ "node rename", "NODE NAME", 2, 2, NULL, "give a node another name",
		run_node_rename },
	{ "status", NULL, 0, 0, "check",
		"show the mesh, its coordinator and its nodes", run_status },
};

const struct args_program ctl_program = {
	.name = "meshctl",
	.summary = "The operator's hand: makes a mesh, tokens and changes.",
	.version = PACKAGE_VERSION,
	.options = options,
	.option_count = ARRAY_SIZE(options),
	.commands = table,
	.command_count = ARRAY_SIZE(table),
};
