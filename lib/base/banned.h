/*
 * banned: calls that have a safer house replacement stop compiling. Included
 * last, by .c files (lint checks).
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok alloca
#pragma GCC poison system popen atoi atol atoll strncpy strncat

#endif
