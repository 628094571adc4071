/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Default routes in what rtnetlink says, also where it says nonsense. */
#include "unit.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routes.h"
#include "util/macro.h"

/* "default table 300 nexthop dev 2 nexthop dev 5", then the end. The first hop has a gateway behind it. */
static size_t multipath(unsigned char *out)
{
        struct {
                struct nlmsghdr h;
                struct rtmsg m;
                struct rtattr multipath;
                struct rtnexthop first;
                struct rtattr gateway;
                uint32_t address;
                struct rtnexthop second;
                struct rtattr table;
                uint32_t number;
                struct nlmsghdr done;
                int error;
        } t = {
                .h = { offsetof(__typeof__(t), done), RTM_NEWROUTE, NLM_F_MULTI, 7, 0 },
                .m = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_COMPAT, .rtm_type = RTN_UNICAST },
                .multipath = { 4 + 8 + 8 + 8, RTA_MULTIPATH },
                .first = { .rtnh_len = 16, .rtnh_ifindex = 2 },
                .gateway = { 8, RTA_GATEWAY },
                .second = { .rtnh_len = 8, .rtnh_ifindex = 5 },
                .table = { 8, RTA_TABLE },
                .number = 300,
                .done = { 20, NLMSG_DONE, NLM_F_MULTI, 7, 0 },
        };

        memcpy(out, &t, sizeof(t));
        return sizeof(t);
}

/* A route by one interface. */
static size_t simple(unsigned char *out, const struct rtmsg *m, uint32_t interface)
{
        struct {
                struct nlmsghdr h;
                struct rtmsg m;
                struct rtattr oif;
                uint32_t interface;
        } t = { { sizeof(t), RTM_NEWROUTE, NLM_F_MULTI, 7, 0 }, *m, { 8, RTA_OIF }, interface };

        memcpy(out, &t, sizeof(t));
        return sizeof(t);
}

static void test_multipath(void **state)
{
        struct default_routes routes _cleanup_routes_ = { 0 };
        unsigned char data[256];

        (void)state;
        assert_int_equal(default_routes_parse(&routes, data, multipath(data), 7), 1);
        assert_int_equal(routes.n, 2);
        assert_true(routes.list[0].interface == 2 && routes.list[1].interface == 5);
        assert_true(routes.list[0].table == 300 && routes.list[1].table == 300);
        assert_true(routes.list[0].family == AF_INET);
}

static void test_which_routes_count(void **state)
{
        static const struct {
                struct rtmsg m;
                size_t n;
        } cases[] = {
                { { .rtm_family = AF_INET6, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST }, 1 },
                { { .rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_type = RTN_UNICAST }, 0 },
                { { .rtm_family = AF_INET, .rtm_type = RTN_UNREACHABLE }, 0 },
                { { .rtm_family = AF_INET6, .rtm_type = RTN_UNICAST, .rtm_flags = RTM_F_CLONED }, 0 },
                { { .rtm_family = AF_MPLS, .rtm_type = RTN_UNICAST }, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct default_routes routes _cleanup_routes_ = { 0 };
                unsigned char data[256];
                size_t size = simple(data, &cases[i].m, 3);

                assert_int_equal(default_routes_parse(&routes, data, size, 7), 0);
                assert_int_equal(default_routes_parse(&routes, data, size, 7), 0); /* once is enough */
                assert_int_equal(routes.n, cases[i].n);
                /* Another question's answer. */
                assert_int_equal(default_routes_parse(&routes, data, size, 8), 0);
                assert_int_equal(routes.n, cases[i].n);
        }
}

static void test_errors(void **state)
{
        struct default_routes routes _cleanup_routes_ = { 0 };
        struct {
                struct nlmsghdr h;
                int error;
        } t = { { sizeof(t), NLMSG_ERROR, 0, 7, 0 }, -EPERM };

        (void)state;
        assert_int_equal(default_routes_parse(&routes, &t, sizeof(t), 7), -EPERM);
        t.h.nlmsg_type = NLMSG_DONE;
        assert_int_equal(default_routes_parse(&routes, &t, sizeof(t), 7), -EPERM);
        t.error = 0;
        t.h.nlmsg_flags = NLM_F_DUMP_INTR;
        assert_int_equal(default_routes_parse(&routes, &t, sizeof(t), 7), 1);
        assert_true(routes.changed);
}

/* Cut off anywhere, in memory of just that size so that a sanitizer sees a byte too many; and with any byte
 * another. */
static void test_nonsense(void **state)
{
        unsigned char data[256];
        size_t size = multipath(data);
        uint64_t random = 88172645463325252u;

        (void)state;
        for (size_t n = 0; n < size; n++) {
                struct default_routes routes _cleanup_routes_ = { 0 };
                unsigned char *copy = malloc(MAX(n, (size_t)1));
                int r;

                memcpy(copy, data, n);
                r = default_routes_parse(&routes, copy, n, 7);
                assert_true(r == -EBADMSG || (r == 0 && (n == 0 || n == size - 20)));
                free(copy);
        }
        for (unsigned int i = 0; i < 200000; i++) {
                struct default_routes routes _cleanup_routes_ = { 0 };
                unsigned char *copy = malloc(size);

                memcpy(copy, data, size);
                for (unsigned int n = 0; n < 1 + i % 3; n++) {
                        uint64_t at = unit_random(&random);

                        copy[at % size] = (unsigned char)(at >> 32);
                }
                default_routes_parse(&routes, copy, size, 7);
                free(copy);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_multipath),
                cmocka_unit_test(test_which_routes_count),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_nonsense),
        };

        return run_unit_tests("routes", tests);
}
