/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "routes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/cleanup.h"
#include "util/macro.h"

/* The kernel fills no more than 32 KiB for one read (netlink_recvmsg() in net/netlink/af_netlink.c). */
#define ANSWER_SIZE 32768
/* A full BGP table has a million routes of some hundred bytes. */
#define ANSWERS_MAX (512u << 20)
#define ROUTES_MAX  65536
/* A table that keeps changing is read this often; what was seen in any of them counts. */
#define READS 3

void default_routes_free(struct default_routes *routes)
{
        free(routes->list);
        *routes = (struct default_routes){ 0 };
}

static int add(struct default_routes *routes, const struct default_route *route)
{
        struct default_route *grown;

        for (size_t i = 0; i < routes->n; i++)
                if (routes->list[i].family == route->family && routes->list[i].table == route->table &&
                    routes->list[i].interface == route->interface)
                        return 0;
        if (routes->n == ROUTES_MAX)
                return -E2BIG;
        grown = reallocarray(routes->list, routes->n + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        routes->list = grown;
        routes->list[routes->n++] = *route;
        return 0;
}

/* The value of RTA_MULTIPATH: a struct rtnexthop each, with attributes of its own behind it. */
static int take_next_hops(struct default_routes *routes, struct default_route *route, const void *data,
                          size_t size)
{
        struct rtnexthop hop;

        for (const char *p = data; size > 0;) {
                size_t step;
                int r;

                if (size < sizeof(hop))
                        return -EBADMSG;
                memcpy(&hop, p, sizeof(hop));
                if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > size)
                        return -EBADMSG;
                route->interface = (unsigned int)hop.rtnh_ifindex;
                r = add(routes, route);
                if (r < 0)
                        return r;
                step = MIN((size_t)RTNH_ALIGN(hop.rtnh_len), size);
                p += step;
                size -= step;
        }
        return 0;
}

static int take_attribute(struct default_routes *routes, struct default_route *route, unsigned int type,
                          const void *value, size_t size)
{
        uint32_t number = 0;

        if (type == RTA_MULTIPATH)
                return take_next_hops(routes, route, value, size);
        if (type != RTA_OIF)
                return 0;
        if (size != sizeof(number))
                return -EBADMSG;
        memcpy(&number, value, sizeof(number));
        route->interface = number;
        return add(routes, route);
}

/* The attributes once for the table, which may come behind the hops, and once for the hops. */
static int take_attributes(struct default_routes *routes, struct default_route *route, const char *data,
                           size_t size, bool table)
{
        struct rtattr a;

        while (size > 0) {
                size_t step;
                int r = 0;

                if (size < sizeof(a))
                        return -EBADMSG;
                memcpy(&a, data, sizeof(a));
                if (a.rta_len < sizeof(a) || a.rta_len > size)
                        return -EBADMSG;
                if (!table)
                        r = take_attribute(routes, route, a.rta_type & NLA_TYPE_MASK, data + RTA_LENGTH(0),
                                           a.rta_len - RTA_LENGTH(0));
                else if (a.rta_type == RTA_TABLE && a.rta_len == RTA_LENGTH(sizeof(route->table)))
                        memcpy(&route->table, data + RTA_LENGTH(0), sizeof(route->table));
                if (r < 0)
                        return r;
                step = MIN((size_t)RTA_ALIGN(a.rta_len), size);
                data += step;
                size -= step;
        }
        return 0;
}

static int take_route(struct default_routes *routes, const char *data, size_t size)
{
        struct default_route route = { 0 };
        struct rtmsg m;
        int r;

        if (size < sizeof(m))
                return -EBADMSG;
        memcpy(&m, data, sizeof(m));
        /* An unreachable default route (RTN_UNREACHABLE) leads nowhere, and a cloned one is a cache's. */
        if ((m.rtm_family != AF_INET && m.rtm_family != AF_INET6) || m.rtm_dst_len != 0 ||
            m.rtm_type != RTN_UNICAST || m.rtm_flags & RTM_F_CLONED)
                return 0;
        route.family = m.rtm_family;
        route.table = m.rtm_table;
        data += MIN(NLMSG_ALIGN(sizeof(m)), size);
        size -= MIN(NLMSG_ALIGN(sizeof(m)), size);
        r = take_attributes(routes, &route, data, size, true);
        return r < 0 ? r : take_attributes(routes, &route, data, size, false);
}

/* NLMSG_DONE and NLMSG_ERROR begin with a number that is 0 or a negative errno. */
static int error_of(const char *data, size_t size)
{
        int error = 0;

        if (size >= sizeof(error))
                memcpy(&error, data, sizeof(error));
        return error < 0 ? error : 0;
}

int default_routes_parse(struct default_routes *routes, const void *data, size_t size, uint32_t sequence)
{
        struct nlmsghdr h;

        for (const char *p = data; size > 0;) {
                const char *payload = p + NLMSG_HDRLEN;
                size_t length, step;
                int r = 0;

                if (size < sizeof(h))
                        return -EBADMSG;
                memcpy(&h, p, sizeof(h));
                if (h.nlmsg_len < NLMSG_HDRLEN || h.nlmsg_len > size)
                        return -EBADMSG;
                length = h.nlmsg_len - NLMSG_HDRLEN;
                step = MIN((size_t)NLMSG_ALIGN(h.nlmsg_len), size);
                p += step;
                size -= step;
                if (h.nlmsg_seq != sequence)
                        continue;
                routes->changed |= h.nlmsg_flags & NLM_F_DUMP_INTR;
                switch (h.nlmsg_type) {
                case NLMSG_DONE:
                        r = error_of(payload, length);
                        return r < 0 ? r : 1;
                case NLMSG_ERROR:
                        r = error_of(payload, length);
                        return r < 0 ? r : -EBADMSG;
                case RTM_NEWROUTE:
                        r = take_route(routes, payload, length);
                        break;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* On a socket that is not connected, a plain write goes to the kernel. */
static int read_family(struct kernel *k, int fd, unsigned char family, uint32_t sequence, void *answer,
                       struct default_routes *routes)
{
        struct {
                struct nlmsghdr h;
                struct rtmsg m;
        } request = {
                .h = { .nlmsg_len = sizeof(request),
                       .nlmsg_type = RTM_GETROUTE,
                       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                       .nlmsg_seq = sequence },
                .m = { .rtm_family = family },
        };
        size_t total = 0;
        ssize_t n;
        int r = 0;

        n = k->ops->write(k, fd, &request, sizeof(request));
        if (n < 0)
                return (int)n;
        if (n != sizeof(request))
                return -EIO;
        while (r == 0) {
                n = k->ops->read(k, fd, answer, ANSWER_SIZE);
                if (n < 0)
                        return (int)n;
                total += (size_t)n;
                if (n == 0 || total > ANSWERS_MAX)
                        return -EIO;
                r = default_routes_parse(routes, answer, (size_t)n, sequence);
        }
        return r < 0 ? r : 0;
}

int default_routes_read(struct kernel *k, struct default_routes *routes)
{
        static const unsigned char families[] = { AF_INET, AF_INET6 };
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k,
                                                     k->ops->socket(k, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
        _cleanup_free_ void *answer = NULL;
        uint32_t sequence = 0;

        switch (fd.fd) {
        case -EPROTONOSUPPORT: /* a kernel without networking */
        case -ENOSYS:
        case -EPERM: /* a filter of system calls, as containers have */
        case -EACCES:
                return -EAFNOSUPPORT;
        }
        if (fd.fd < 0)
                return fd.fd;
        answer = malloc(ANSWER_SIZE);
        if (!answer)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(families); i++)
                for (int round = 0; round < READS; round++) {
                        int r;

                        routes->changed = false;
                        r = read_family(k, fd.fd, families[i], ++sequence, answer, routes);
                        if (r < 0)
                                return r;
                        if (!routes->changed)
                                break;
                }
        return 0;
}
