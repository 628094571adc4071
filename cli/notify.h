/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Tells the service manager behind NOTIFY_SOCKET (sd_notify(3)) how far we are. TEXT is "READY=1\nSTATUS=…".
 *
 * Returns 1 when it was told, 0 where nobody waits to be, or the negative errno why it could not be. */
int notify_manager(const char *text);
