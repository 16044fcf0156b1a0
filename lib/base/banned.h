/*
 * banned: calls that have a safer house replacement stop compiling. Included
 * last, by .c files (lint checks).
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#undef alloca /* a macro of glibc: poisoning a macro warns */
#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok alloca
#pragma GCC poison system popen atoi atol atoll strncpy strncat

#endif
