// SPDX-License-Identifier: Apache-2.0
/** @file The processes and threads of this machine, as /proc shows them. */
#ifndef JC_CHILD_TASKS_H
#define JC_CHILD_TASKS_H

#include <sys/types.h>

/** Processes and threads of a user. */
long tasks_of_user(uid_t user);

/** Processes and threads of a session. */
long tasks_of_session(pid_t session);

/** Kill every process of a session that this process leads no longer. */
void tasks_kill_session(pid_t session);

#endif
