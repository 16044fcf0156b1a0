/*
 * banned: calls that have a safer house replacement stop compiling. Included
 * last, by .c files (lint checks).
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* Macros of glibc, some only with _FORTIFY_SOURCE and clang: poisoning a macro
 * warns. */
#undef alloca
#undef sprintf
#undef vsprintf
#undef strncpy
#undef strncat
#undef strcpy
#undef strcat
#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok alloca
#pragma GCC poison system popen atoi atol atoll strncpy strncat

#endif
