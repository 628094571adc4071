/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rtnetlink, as far as dumping routes goes (net/ipv4/fib_semantics.c, fib_dump_info): one message a read. */
#include "fake_internal.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A socket with a dump under way. */
struct socket_state {
        struct nlmsghdr request;
        unsigned char family;
        size_t next;
};

static ssize_t netlink_pwrite(struct fake *m, struct fake_file *f, const void *buf, size_t size,
                              uint64_t offset)
{
        struct socket_state *s = f->priv;

        (void)m;
        (void)offset;
        if (size < sizeof(s->request) + 1)
                return -EINVAL;
        memcpy(&s->request, buf, sizeof(s->request));
        s->family = ((const unsigned char *)buf)[NLMSG_HDRLEN];
        s->next = 0;
        return (ssize_t)size;
}

static size_t put_route(const struct fake_route *route, char *out)
{
        struct rtmsg m = { .rtm_family = route->family,
                           .rtm_table = RT_TABLE_UNSPEC,
                           .rtm_type = RTN_UNICAST };
        struct rtattr table = { RTA_LENGTH(4), RTA_TABLE };
        struct rtattr paths = { (unsigned short)RTA_LENGTH(route->n * sizeof(struct rtnexthop)),
                                RTA_MULTIPATH };
        char *p = out;

#define PUT(what, size) (memcpy(p, (what), (size)), p += (size))
        PUT(&m, sizeof(m));
        PUT(&table, sizeof(table));
        PUT(&route->table, 4);
        PUT(&paths, sizeof(paths));
        for (size_t i = 0; i < route->n; i++) {
                struct rtnexthop hop = { .rtnh_len = sizeof(hop), .rtnh_ifindex = route->interfaces[i] };

                PUT(&hop, sizeof(hop));
        }
#undef PUT
        return (size_t)(p - out);
}

static ssize_t netlink_pread(struct fake *m, struct fake_file *f, void *buf, size_t size, uint64_t offset)
{
        struct socket_state *s = f->priv;
        struct nlmsghdr h = { .nlmsg_flags = NLM_F_MULTI, .nlmsg_seq = s->request.nlmsg_seq };
        char answer[1024] = "";
        size_t n = 0;

        (void)offset;
        while (s->next < m->n_routes && m->routes[s->next].family != s->family)
                s->next++;
        if (s->request.nlmsg_type != RTM_GETROUTE) {
                h.nlmsg_type = NLMSG_ERROR;
                memcpy(answer, &(int){ -EOPNOTSUPP }, sizeof(int));
                n = sizeof(int);
        } else if (s->next == m->n_routes) {
                h.nlmsg_type = NLMSG_DONE;
                n = sizeof(int);
        } else {
                h.nlmsg_type = RTM_NEWROUTE;
                n = put_route(&m->routes[s->next++], answer);
        }
        h.nlmsg_len = (uint32_t)NLMSG_LENGTH(n);
        if (size < h.nlmsg_len)
                abort();
        memcpy(buf, &h, sizeof(h));
        memcpy((char *)buf + NLMSG_HDRLEN, answer, n);
        return h.nlmsg_len;
}

static void netlink_release(struct fake *m, struct fake_file *f)
{
        (void)m;
        free(f->priv);
}

static const struct fake_file_ops netlink_ops = {
        .pread = netlink_pread,
        .pwrite = netlink_pwrite,
        .release = netlink_release,
        .what = "a netlink socket",
};

int fake_do_socket(struct fake *m, int domain, int type, int protocol)
{
        struct fake_file *f;

        if (domain != AF_NETLINK || m->n_routes == 0)
                return -EAFNOSUPPORT;
        if (type != SOCK_RAW || protocol != NETLINK_ROUTE)
                return -EPROTONOSUPPORT;
        f = fake_zalloc(sizeof(*f));
        f->flags = O_RDWR;
        f->ops = &netlink_ops;
        f->priv = fake_zalloc(sizeof(struct socket_state));
        return fake_fd_new(m, f);
}

void fake_add_multipath_route(struct fake *m, unsigned char family, unsigned int table,
                              const char *const interfaces[])
{
        struct fake_route *route = &m->routes[m->n_routes];

        if (m->n_routes == ARRAY_SIZE(m->routes))
                abort();
        route->family = family;
        route->table = table;
        for (; interfaces[route->n]; route->n++) {
                char path[300];

                snprintf(path, sizeof(path), "/sys/class/net/%s/ifindex", interfaces[route->n]);
                if (!fake_exists(m, path) || route->n == ARRAY_SIZE(route->interfaces))
                        abort();
                route->interfaces[route->n] = atoi(fake_read(m, path));
        }
        m->n_routes++;
}
