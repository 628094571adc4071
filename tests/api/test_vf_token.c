/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VF tokens on both backends: the same, another, none; of VFs, of PFs, and of devices that are neither. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PF    "0000:04:00.0"
#define VF    "0000:04:10.0"
#define VF2   "0000:04:10.2"
#define TOKEN "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"
#define OTHER "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f4"

struct place {
        struct fake *m;
        struct iommuctl_ctx *ctx;
        struct iommuctl_container *c;
        enum iommuctl_backend backend;
};

static void start(struct place *p, enum iommuctl_backend backend, const struct fake_options *options,
                  const char *pf_driver)
{
        p->m = machine_vfio(options);
        p->backend = backend;
        fake_add_pci(p->m, PF, &(struct fake_pci){ .driver = pf_driver, .group = 10, .sriov = true });
        fake_add_pci(p->m, VF, &(struct fake_pci){ .driver = "vfio-pci", .group = 11, .physfn = PF });
        fake_add_pci(p->m, VF2, &(struct fake_pci){ .driver = "vfio-pci", .group = 12, .physfn = PF });
        p->ctx = new_ctx(p->m);
        assert_ok(p->ctx, iommuctl_container_new(p->ctx, backend, &p->c));
}

static void stop(struct place *p)
{
        iommuctl_container_unref(p->c);
        iommuctl_ctx_unref(p->ctx);
        assert_clean(p->m, 0);
        fake_machine_free(p->m);
}

static int open_with(struct place *p, const char *name, const char *token, struct iommuctl_device **ret)
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o), .vf_token = token };

        return iommuctl_device_open_with(p->c, name, &o, ret);
}

static void same_other_none(enum iommuctl_backend backend)
{
        struct iommuctl_device *pf, *vf, *d = NULL;
        struct place p;

        start(&p, backend, &(struct fake_options){ .bind_token = true }, "vfio-pci");
        /* No VF is open: the PF takes any token, and keeps it. */
        assert_ok(p.ctx, open_with(&p, PF, TOKEN, &pf));
        assert_fails(p.ctx, open_with(&p, VF, NULL, &d), -EACCES, "is a virtual function");
        assert_contains(error_text(p.ctx), "is needed");
        assert_fails(p.ctx, open_with(&p, VF, OTHER, &d), -EACCES,
                     "is not the one that was set for the physical function");
        assert_string_equal(error_device(p.ctx), VF);
        assert_null(d);
        assert_ok(p.ctx, open_with(&p, VF, TOKEN, &vf));
        iommuctl_device_unref(pf);

        /* One is: the PF is refused without it. */
        assert_fails(p.ctx, open_with(&p, PF, NULL, &d), -EACCES, "has virtual functions in use");
        assert_fails(p.ctx, open_with(&p, PF, OTHER, &d), -EACCES, "set for the virtual functions in use");
        assert_null(d);
        assert_ok(p.ctx, open_with(&p, PF, TOKEN, &pf));

        /* A new one holds for the VFs opened from here on. */
        assert_ok(p.ctx, iommuctl_device_set_vf_token(pf, OTHER));
        assert_fails(p.ctx, open_with(&p, VF2, TOKEN, &d), -EACCES, "is not the one");
        assert_ok(p.ctx, open_with(&p, VF2, OTHER, &d));
        iommuctl_device_unref(d);
        iommuctl_device_unref(vf);
        iommuctl_device_unref(pf);
        assert_ok(p.ctx, open_with(&p, PF, NULL, &pf));
        iommuctl_device_unref(pf);
        stop(&p);
}

static void test_same_other_none(void **state)
{
        (void)state;
        same_other_none(IOMMUCTL_BACKEND_TYPE1);
        same_other_none(IOMMUCTL_BACKEND_IOMMUFD);
        same_other_none(IOMMUCTL_BACKEND_AUTO);
}

static void not_taken(enum iommuctl_backend backend)
{
        struct iommuctl_device *d = NULL;
        struct place p;

        start(&p, backend, &(struct fake_options){ .bind_token = true }, "igb");
        /* A PF that is its own driver's says nothing about its VFs. */
        assert_fails(p.ctx, open_with(&p, VF, TOKEN, &d), -EINVAL, "not bound to a VFIO driver");
        assert_fails(p.ctx, open_with(&p, NIC, TOKEN, &d), -EINVAL, "no virtual function, nor");
        assert_null(d);
        assert_ok(p.ctx, open_with(&p, VF, NULL, &d));
        assert_fails(p.ctx, iommuctl_device_set_vf_token(d, TOKEN), -EOPNOTSUPP, "VF token");
        iommuctl_device_unref(d);
        stop(&p);
}

static void test_not_taken(void **state)
{
        (void)state;
        not_taken(IOMMUCTL_BACKEND_TYPE1);
        not_taken(IOMMUCTL_BACKEND_IOMMUFD);
}

/* Linux 6.6 to 6.16: nodes that know nothing of tokens. */
static void test_older_kernel(void **state)
{
        struct iommuctl_device *pf, *d = NULL;
        struct place p;

        (void)state;
        start(&p, IOMMUCTL_BACKEND_IOMMUFD, NULL, "vfio-pci");
        assert_fails(p.ctx, open_with(&p, VF, TOKEN, &d), -EOPNOTSUPP, "Linux 6.17");
        assert_null(d);
        assert_ok(p.ctx, open_with(&p, VF, NULL, &d));
        iommuctl_device_unref(d);
        stop(&p);

        start(&p, IOMMUCTL_BACKEND_AUTO, NULL, "vfio-pci");
        assert_ok(p.ctx, open_with(&p, PF, TOKEN, &pf));
        assert_int_equal(iommuctl_container_backend(p.c), IOMMUCTL_BACKEND_TYPE1);
        assert_ok(p.ctx, open_with(&p, VF, TOKEN, &d));
        iommuctl_device_unref(d);
        iommuctl_device_unref(pf);
        stop(&p);
}

static void test_no_uuid(void **state)
{
        static const char *const wrong[] = { "",
                                             "1",
                                             "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f",
                                             TOKEN "0",
                                             "bd8d9d2b5a5f-4f5a-a211-f591514ba1f3-",
                                             "bd8d9d2b-5a5f-4f5a-a211-f591514ba1g3",
                                             "{d8d9d2b-5a5f-4f5a-a211-f591514ba1f}" };
        struct iommuctl_device *pf, *d = NULL;
        struct place p;

        (void)state;
        start(&p, IOMMUCTL_BACKEND_TYPE1, NULL, "vfio-pci");
        assert_ok(p.ctx, open_with(&p, PF, "BD8D9D2B-5A5F-4F5A-A211-F591514BA1F3", &pf));
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                assert_fails(p.ctx, open_with(&p, VF, wrong[i], &d), -EINVAL, "a VF token is a UUID");
                assert_fails(p.ctx, iommuctl_device_set_vf_token(pf, wrong[i]), -EINVAL,
                             "a VF token is a UUID");
        }
        assert_null(d);
        /* Case is no difference. */
        assert_ok(p.ctx, open_with(&p, VF, TOKEN, &d));
        iommuctl_device_unref(d);
        iommuctl_device_unref(pf);
        stop(&p);
}

/* A VF's node that somebody else opened, with the token. */
static void test_given_node(void **state)
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o), .vf_token = TOKEN };
        struct iommuctl_device *pf, *vf = NULL;
        struct kernel *k;
        struct place p;
        char node[64];
        int fd;

        (void)state;
        for (int knows = 0; knows < 2; knows++) {
                start(&p, IOMMUCTL_BACKEND_IOMMUFD, &(struct fake_options){ .bind_token = knows },
                      "vfio-pci");
                k = fake_kernel(p.m);
                assert_ok(p.ctx, iommuctl_device_open(p.c, PF, &pf));
                assert_ok(p.ctx, iommuctl_device_set_vf_token(pf, TOKEN));
                snprintf(node, sizeof(node), "/dev/vfio/devices/vfio4");
                fd = k->ops->openat(k, AT_FDCWD, node, O_RDWR, 0);
                assert_true(fd >= 0);
                if (knows) {
                        assert_ok(p.ctx, iommuctl_device_open_fd(p.c, fd, VF, &o, &vf));
                        iommuctl_device_unref(vf);
                        vf = NULL;
                } else {
                        assert_fails(p.ctx, iommuctl_device_open_fd(p.c, fd, VF, &o, &vf), -EOPNOTSUPP,
                                     "Linux 6.17");
                        assert_null(vf);
                }
                k->ops->close(k, fd);
                iommuctl_device_unref(pf);
                stop(&p);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same_other_none), cmocka_unit_test(test_not_taken),
                cmocka_unit_test(test_older_kernel),    cmocka_unit_test(test_no_uuid),
                cmocka_unit_test(test_given_node),
        };

        return run_tap_tests("VF tokens", tests);
}
