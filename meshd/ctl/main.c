/* main: meshctl. The command line is in commands.c, the rest in run.c. */
#include "config.h"

#include "meshd/ctl/ctl.h"

#include <sodium.h>

#include <signal.h>
#include <stdlib.h>

#include "base/banned.h"

int main(int argc, char **argv)
{
	(void)signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0) {
		ctl_say("cannot start libsodium");
		return EXIT_FAILURE;
	}
	return args_main(&ctl_program, argc, argv, NULL);
}
