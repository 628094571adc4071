/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify_manager(const char *text)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = getenv("NOTIFY_SOCKET");
        size_t length;
        ssize_t n;
        int fd, r;

        if (!path || !*path)
                return 0;
        /* A path, or "@" and a name in the abstract namespace. sd_notify(3) knows vsock too: no machine that
         * hands devices to user space this way has asked for it. */
        if (path[0] != '/' && path[0] != '@')
                return -EAFNOSUPPORT;
        length = strlen(path);
        if (length >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, length);
        if (path[0] == '@')
                address.sun_path[0] = '\0';
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        /* The length leaves the NUL out: in the abstract namespace it would be part of the name. */
        n = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
        r = n < 0 ? -errno : 1;
        close(fd);
        return r;
}
