/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VF tokens, as the kernel has them (drivers/vfio/pci/vfio_pci_core.c, vfio_pci_core_match_token_uuid()). */
#include "open.h"

#include <linux/vfio.h>

#define TOKEN "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"
#define OTHER "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f4"

static struct iommuctl_container *c;
static struct iommuctl_device *opened;

static int open_with(const char *name, const char *token)
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o), .vf_token = token };

        opened = NULL;
        return iommuctl_device_open_with(c, name, &o, &opened);
}

static void close_opened(void)
{
        opened = iommuctl_device_unref(opened);
}

/* Linux 6.6 to 6.16: a device's own node asks for no token, and takes none. */
static void test_older(const char *vf)
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o), .vf_token = TOKEN };
        struct iommuctl_container *either;
        struct iommuctl_device *d = NULL;

        if (iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &either) < 0)
                exit(1);
        GIVES("a container of either backend takes the one that can", 0, "",
              iommuctl_device_open_with(either, vf, &o, &d));
        CHECK("which is type1", iommuctl_container_backend(either) == IOMMUCTL_BACKEND_TYPE1);
        iommuctl_device_unref(d);
        iommuctl_container_unref(either);
        GIVES("a token that the kernel cannot take", -EOPNOTSUPP, "Linux 6.17", open_with(vf, TOKEN));
        GIVES("a VF without one", 0, "", open_with(vf, NULL));
        close_opened();
}

void test_tokens(const char *pf, const char *vf, const char *other)
{
        struct iommuctl_device *p, *v;

        c = new_container();
        if (!GIVES("the PF, of which no VF is in use, without a token", 0, "",
                   iommuctl_device_open(c, pf, &p)))
                return;
        GIVES("its token is set", 0, "", iommuctl_device_set_vf_token(p, TOKEN));
        CHECK("the feature is there to set",
              iommuctl_device_feature_probe(p, VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, IOMMUCTL_FEATURE_SET) == 1);
        CHECK("and not to read",
              iommuctl_device_feature_probe(p, VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, IOMMUCTL_FEATURE_GET) == 0);
        if (open_with(vf, TOKEN) == -EOPNOTSUPP) {
                test_older(vf);
                goto end;
        }
        close_opened();
        GIVES("a VF without the token", -EACCES, "is needed", open_with(vf, NULL));
        GIVES("a VF with another", -EACCES, "is not the one", open_with(vf, OTHER));
        GIVES("what is neither PF nor VF takes none", -EINVAL, "no virtual function",
              open_with(other, TOKEN));
        GIVES("and is opened without", 0, "", open_with(other, NULL));
        GIVES("it has no token to set", -EOPNOTSUPP, "VF token", iommuctl_device_set_vf_token(opened, TOKEN));
        close_opened();
        if (!GIVES("a VF with the token", 0, "", open_with(vf, TOKEN)))
                goto end;
        v = opened;
        iommuctl_device_unref(p);
        p = NULL;
        GIVES("the PF of a VF in use, without the token", -EACCES, "in use", open_with(pf, NULL));
        GIVES("the PF of a VF in use, with another", -EACCES, "in use", open_with(pf, OTHER));
        GIVES("the PF of a VF in use, with the token", 0, "", open_with(pf, TOKEN));
        close_opened();
        iommuctl_device_unref(v);
        GIVES("the PF of no VF in use takes another token", 0, "", open_with(pf, OTHER));
        p = opened;
        GIVES("which its VFs are then opened with", 0, "", open_with(vf, OTHER));
        close_opened();
end:
        iommuctl_device_unref(p);
        iommuctl_container_unref(c);
}
