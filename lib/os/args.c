#include "config.h"
#include "os/args.h"
#include "os/fd.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define HELP_COLUMN 28
#define HELP_MAX    ((size_t)64 * 1024)

/* What a parse in progress knows. */
struct parse {
	const struct args_program *program;
	uint64_t given; /* bit per option of the program */
	struct args args;
	struct err *err;
};

/* Is the word TEXT of LEN bytes one of the words of LIST, split by blanks? */
static bool has_word(const char *list, const char *text, size_t len)
{
	while (list && *list) {
		size_t word = strcspn(list, " ");

		if (word == len && strncmp(list, text, len) == 0)
			return true;
		list += word;
		list += strspn(list, " ");
	}
	return false;
}

static bool is_common(
	const struct args_program *program, const struct args_option *option)
{
	for (size_t i = 0; i < program->command_count; i++) {
		if (has_word(program->commands[i].options, option->name,
			    strlen(option->name)))
			return false;
	}
	return true;
}

static bool goes_with(const struct args_program *program,
	const struct args_command *command, const struct args_option *option)
{
	return has_word(command->options, option->name, strlen(option->name)) ||
		is_common(program, option);
}

static int store(struct parse *parse, const struct args_option *option,
	const char *value)
{
	struct args_list *list = option->list;

	parse->given |= UINT64_C(1) << (option - parse->program->options);
	if (list && list->count == list->max)
		return err_set(parse->err, -EINVAL,
			"option \"--%s\" more than %zu times", option->name,
			list->max);
	if (list)
		list->items[list->count++] = value;
	else if (option->value)
		*option->text = value;
	else
		*option->flag = true;
	return 0;
}

/* WORD is "--name" or "--name=value"; NEXT the word behind it or NULL.
 * *RET_USED: whether NEXT was its value. */
static int parse_long(
	struct parse *parse, const char *word, const char *next, bool *ret_used)
{
	const struct args_program *program = parse->program;
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;

	for (size_t i = 0; i < program->option_count; i++) {
		const struct args_option *option = &program->options[i];

		if (strlen(option->name) != len ||
			strncmp(option->name, name, len) != 0)
			continue;
		if (value && !option->value)
			return err_set(parse->err, -EINVAL,
				"option \"--%s\" takes no value", option->name);
		*ret_used = option->value && !value;
		if (*ret_used && !next)
			return err_set(parse->err, -EINVAL,
				"option \"%s\" needs a value: %s", word,
				option->value);
		return store(parse, option, value ? value : next);
	}
	if (!value && strcmp(name, "help") == 0)
		parse->args.help = true;
	else if (!value && strcmp(name, "version") == 0)
		parse->args.version = true;
	else
		return err_set(parse->err, -EINVAL, "unknown option \"--%.*s\"",
			(int)len, name);
	*ret_used = false;
	return 0;
}

/* WORD is "-a", "-ab", "-aVALUE". */
static int parse_short(
	struct parse *parse, const char *word, const char *next, bool *ret_used)
{
	const struct args_program *program = parse->program;

	*ret_used = false;
	for (const char *p = word + 1; *p; p++) {
		const struct args_option *option = NULL;

		for (size_t i = 0; i < program->option_count; i++) {
			if (program->options[i].letter == *p)
				option = &program->options[i];
		}
		if (!option && *p == 'h') {
			parse->args.help = true;
			continue;
		}
		if (!option)
			return err_set(parse->err, -EINVAL,
				word[2] ? "unknown option \"-%c\" in \"%s\""
					: "unknown option \"-%c\"",
				*p, word);
		if (!option->value) {
			int r = store(parse, option, NULL);

			if (r < 0)
				return r;
			continue;
		}
		*ret_used = !p[1];
		if (!p[1] && !next)
			return err_set(parse->err, -EINVAL,
				"option \"-%c\" needs a value: %s", *p,
				option->value);
		return store(parse, option, p[1] ? p + 1 : next);
	}
	return 0;
}

/* How many of the operands are the command's words; SIZE_MAX: not it. */
static size_t match(const struct args_command *command, const struct args *args)
{
	const char *words = command->words;
	size_t count = 0;

	while (*words) {
		size_t len = strcspn(words, " ");

		if (count == args->count ||
			strlen(args->operands[count]) != len ||
			strncmp(args->operands[count], words, len) != 0)
			return SIZE_MAX;
		count++;
		words += len;
		words += strspn(words, " ");
	}
	return count;
}

static int unknown_command(struct parse *parse)
{
	const struct args *args = &parse->args;

	if (!args->count)
		return err_set(parse->err, -EINVAL, "a command is missing");
	/* "token ad": the first word leads to commands, the second does not */
	for (size_t i = 0; i < parse->program->command_count; i++) {
		const char *words = parse->program->commands[i].words;
		size_t len = strcspn(words, " ");

		if (!words[len] || strlen(args->operands[0]) != len ||
			strncmp(args->operands[0], words, len) != 0)
			continue;
		if (args->count == 1)
			return err_set(parse->err, -EINVAL,
				"\"%s\" is not a whole command",
				args->operands[0]);
		return err_set(parse->err, -EINVAL, "unknown command \"%s %s\"",
			args->operands[0], args->operands[1]);
	}
	return err_set(parse->err, -EINVAL, "unknown command \"%s\"",
		args->operands[0]);
}

static int find_command(struct parse *parse)
{
	struct args *args = &parse->args;
	size_t best = 0;

	for (size_t i = 0; i < parse->program->command_count; i++) {
		const struct args_command *command =
			&parse->program->commands[i];
		size_t count = match(command, args);

		if (count == SIZE_MAX || (args->command && count <= best))
			continue;
		args->command = command;
		best = count;
	}
	if (!args->command)
		return args->help ? 0 : unknown_command(parse);
	args->operands += best;
	args->count -= best;
	return 0;
}

static int check_command(const struct parse *parse)
{
	const struct args_program *program = parse->program;
	const struct args *args = &parse->args;
	const struct args_command *command = args->command;

	for (size_t i = 0; i < program->option_count; i++) {
		const struct args_option *option = &program->options[i];

		if ((parse->given >> i & 1) &&
			!goes_with(program, command, option))
			return err_set(parse->err, -EINVAL,
				"option \"--%s\" does not go with \"%s\"",
				option->name,
				command->words[0] ? command->words
						  : program->name);
	}
	if (args->count > command->operands_max) {
		const char *extra = args->operands[command->operands_max];

		return err_set(parse->err, -EINVAL,
			command->words[0] || command->operands_max
				? "\"%s\" is one word too many"
				: "unknown word \"%s\"",
			extra);
	}
	if (args->count < command->operands_min)
		return err_set(parse->err, -EINVAL, "\"%s\" needs: %s",
			command->words[0] ? command->words : program->name,
			command->operands);
	return 0;
}

int args_parse(const struct args_program *program, int argc, char **argv,
	struct args *ret_args, struct err *err)
{
	struct parse parse = { .program = program, .err = err };
	size_t words = 0;
	bool options_over = false;
	int r = 0;

	BUG_ON(program->option_count > ARGS_OPTIONS_MAX);
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];
		const char *next = argv[i + 1]; /* argv ends in NULL */
		bool used = false;

		if (options_over || word[0] != '-' || !word[1]) {
			/* words never overtake what is still to be read */
			argv[words++] = word;
			continue;
		}
		if (strcmp(word, "--") == 0)
			options_over = true;
		else if (word[1] == '-')
			r = parse_long(&parse, word, next, &used);
		else
			r = parse_short(&parse, word, next, &used);
		if (r < 0)
			return r;
		i += used;
	}
	argv[words] = NULL;
	parse.args.operands = argv;
	parse.args.count = words;
	if (!parse.args.version) {
		r = find_command(&parse);
		if (r == 0 && !parse.args.help)
			r = check_command(&parse);
	}
	if (r < 0)
		return r;
	*ret_args = parse.args;
	return 0;
}

static void pad(struct buf *out, size_t used)
{
	if (used + 2 > HELP_COLUMN) {
		buf_add_str(out, "\n");
		used = 0;
	}
	buf_addf(out, "%*s", (int)(HELP_COLUMN - used), "");
}

static void help_option(const struct args_option *option, struct buf *out)
{
	size_t start = out->len;

	if (option->letter)
		buf_addf(out, "  -%c, --%s", option->letter, option->name);
	else
		buf_addf(out, "      --%s", option->name);
	if (option->value)
		buf_addf(out, " %s", option->value);
	pad(out, out->len - start);
	buf_addf(out, "%s\n", option->help);
}

static void help_options(const struct args_program *program,
	const struct args_command *command, struct buf *out)
{
	static const struct args_option own[] = {
		ARGS_FLAG("help", 'h', "print this and exit", NULL),
		ARGS_FLAG("version", 0, "print the version and exit", NULL),
	};

	buf_add_str(out, "\nOptions:\n");
	for (size_t i = 0; i < program->option_count; i++) {
		const struct args_option *option = &program->options[i];

		if (command ? goes_with(program, command, option)
			    : is_common(program, option))
			help_option(option, out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		help_option(&own[i], out);
}

static void help_usage(const struct args_program *program,
	const struct args_command *command, struct buf *out)
{
	buf_addf(out, "Usage: %s", program->name);
	if (command->words[0])
		buf_addf(out, " %s", command->words);
	buf_add_str(out, " [OPTION]...");
	if (command->operands)
		buf_addf(out, " %s", command->operands);
	buf_addf(out, "\n%s\n", command->help);
}

static void help_commands(const struct args_program *program, struct buf *out)
{
	buf_addf(out, "Usage: %s COMMAND [OPTION]...\n%s\n\nCommands:\n",
		program->name, program->summary);
	for (size_t i = 0; i < program->command_count; i++) {
		const struct args_command *command = &program->commands[i];
		size_t start = out->len;

		buf_addf(out, "  %s", command->words);
		if (command->operands)
			buf_addf(out, " %s", command->operands);
		pad(out, out->len - start);
		buf_addf(out, "%s\n", command->help);
	}
}

void args_help(const struct args_program *program,
	const struct args_command *command, struct buf *out)
{
	if (!command && program->command_count == 1)
		command = &program->commands[0];
	if (command)
		help_usage(program, command, out);
	else
		help_commands(program, out);
	help_options(program, command, out);
	if (!command)
		buf_addf(out,
			"\n\"%s COMMAND --help\" tells more of a command.\n",
			program->name);
}

static int print(const struct buf *out)
{
	if (buf_failed(out) ||
		fd_write_all(STDOUT_FILENO, out->data, out->len, NULL) < 0)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

int args_main(
	const struct args_program *program, int argc, char **argv, void *ctx)
{
	AUTO(buf_release) struct buf out = BUF_INIT(HELP_MAX);
	struct err err = { 0 };
	struct args args;

	if (args_parse(program, argc, argv, &args, &err) < 0) {
		(void)fprintf(stderr, "%s: %s\nTry \"%s --help\".\n",
			program->name, err.msg, program->name);
		return EXIT_USAGE;
	}
	if (args.version) {
		buf_addf(&out, "%s %s\n", program->name, program->version);
		return print(&out);
	}
	if (args.help) {
		args_help(program, args.command, &out);
		return print(&out);
	}
	return args.command->run(ctx, args.operands, args.count);
}
