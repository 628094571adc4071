/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The interfaces that default routes leave by, asked of rtnetlink: /proc/net/route has the main table alone,
 * and of a route with several next hops only the first (fib_route_seq_show() in net/ipv4/fib_trie.c).
 */

#include "kernel.h"

struct default_route {
        unsigned char family;   /* AF_INET, AF_INET6 */
        uint32_t table;         /* RT_TABLE_MAIN, … */
        unsigned int interface; /* its index */
};

struct default_routes {
        struct default_route *list;
        size_t n;
        bool changed; /* the kernel's tables changed while they were read */
};

void default_routes_free(struct default_routes *routes);
#define _cleanup_routes_ __attribute__((cleanup(default_routes_free)))

/* Takes the default routes from what one read of the socket gave. 1: that was the end; 0: there is more to
 * read; the kernel's own error; -EBADMSG where the lengths in it do not fit. */
int default_routes_parse(struct default_routes *routes, const void *data, size_t size, uint32_t sequence);

/* All tables of IPv4 and IPv6. Adds to ROUTES. -EAFNOSUPPORT where the kernel gives out no such socket. */
int default_routes_read(struct kernel *k, struct default_routes *routes);
