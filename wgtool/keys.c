/*
 * keys: genkey, genpsk and pubkey. Keys pass through stdin and stdout only and
 * are wiped here.
 */
#include "config.h"

#include "wgtool/commands.h"

#include "base/key.h"

#include <sodium.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"

#define KEY_TEXT_LEN (KEY_BASE64_SIZE - 1)

static int print_key(const uint8_t key[static KEY_SIZE])
{
	char text[KEY_BASE64_SIZE];
	int status;

	setvbuf(stdout, NULL, _IONBF, 0); /* no copy stays in a buffer */
	printf("%s\n", key_format_base64(key, text));
	status = finish_stdout();
	sodium_memzero(text, sizeof(text));
	return status;
}

static int no_arguments(int argc, char *argv[])
{
	if (argc == 1)
		return 0;
	fprintf(stderr, "Usage: %s %s\n", program_name, argv[0]);
	return 1;
}

static void warn_if_public(void)
{
	struct stat st;

	if (fstat(fileno(stdout), &st) == 0 && S_ISREG(st.st_mode) &&
		(st.st_mode & S_IRWXO))
		fputs("Warning: writing to world accessible file.\n"
		      "Consider setting the umask to 077 and trying again.\n",
			stderr);
}

int genkey_main(int argc, char *argv[])
{
	struct seckey key;
	int status;

	if (no_arguments(argc, argv) != 0)
		return 1;
	warn_if_public();
	if (strcmp(argv[0], "genkey") == 0)
		seckey_generate(&key);
	else
		randombytes_buf(key.b, sizeof(key.b));
	status = print_key(key.b);
	seckey_wipe(&key);
	return status;
}

/* Whether only blanks, or zeros, follow; reads to the end. */
static bool only_blanks(FILE *from)
{
	int c;

	while ((c = getc(from)) != EOF)
		if (!memchr(" \t\n\v\f\r", c, sizeof(" \t\n\v\f\r")))
			return false;
	return true;
}

int pubkey_main(int argc, char *argv[])
{
	char text[KEY_BASE64_SIZE] = { 0 };
	struct seckey key;
	struct pubkey pubkey;
	const char *wrong = NULL;

	if (no_arguments(argc, argv) != 0)
		return 1;
	setvbuf(stdin, NULL, _IONBF, 0);
	if (fread(text, 1, KEY_TEXT_LEN, stdin) != KEY_TEXT_LEN)
		wrong = "Key is not the correct length or format";
	else if (!only_blanks(stdin))
		wrong = "Trailing characters found after key";
	else if (!key_parse_base64(key.b, text))
		wrong = "Key is not the correct length or format";
	sodium_memzero(text, sizeof(text));
	if (wrong) {
		fprintf(stderr, "%s: %s\n", program_name, wrong);
		return 1;
	}
	pubkey = seckey_public(&key);
	seckey_wipe(&key);
	return print_key(pubkey.b);
}
