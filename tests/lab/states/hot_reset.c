/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "states.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>

/* The VLAN Ether Type register of QEMU's e1000e: 0x8100 after each reset. */
#define VET       0x38
#define VET_RESET 0x8100u

static uint32_t read_vet(struct iommuctl_device *d)
{
        struct iommuctl_region *bar = NULL;
        uint32_t value = 0;

        if (iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &bar) >= 0)
                iommuctl_region_read(bar, VET, &value, sizeof(value));
        iommuctl_region_free(bar);
        return value;
}

static void write_vet(struct iommuctl_device *d, uint32_t value)
{
        struct iommuctl_region *bar = NULL;

        if (iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &bar) >= 0)
                iommuctl_region_write(bar, VET, &value, sizeof(value));
        iommuctl_region_free(bar);
}

/* What the kernel itself says, asked by hand. */
static int by_hand(struct iommuctl_device *d)
{
        struct {
                struct vfio_pci_hot_reset head;
                int32_t fd;
        } call = { .head = { .argsz = sizeof(call) } };

        if (iommuctl_device_group(d)) {
                call.head.count = 1;
                call.fd = iommuctl_group_fd(iommuctl_device_group(d));
        }
        return ioctl(iommuctl_device_fd(d), VFIO_DEVICE_PCI_HOT_RESET, &call) < 0 ? -errno : 0;
}

/* The claim on the device NAME, or -1 where it is not in the scope. */
static int claim_on(const struct iommuctl_reset_scope *scope, const char *name)
{
        for (size_t i = 0; i < iommuctl_reset_scope_n_devices(scope); i++) {
                char text[IOMMUCTL_ADDRESS_TEXT];

                iommuctl_address_format(iommuctl_reset_scope_address(scope, i), text);
                if (streq(text, name))
                        return (int)iommuctl_reset_scope_claim(scope, i);
        }
        return -1;
}

static void check_numbers(const struct iommuctl_reset_scope *scope, struct iommuctl_device *d)
{
        unsigned int group = 0;
        size_t i = 0;

        while (i < iommuctl_reset_scope_n_devices(scope) &&
               iommuctl_reset_scope_claim(scope, i) != IOMMUCTL_RESET_OPEN)
                i++;
        if (iommuctl_device_group(d))
                CHECK("each has its group", iommuctl_reset_scope_group(scope, i, &group) &&
                                                    group == iommuctl_group_id(iommuctl_device_group(d)) &&
                                                    iommuctl_reset_scope_iommufd_id(scope, i) == 0);
        else
                CHECK("what is open has its number in the iommufd",
                      !iommuctl_reset_scope_group(scope, i, &group) &&
                              iommuctl_reset_scope_iommufd_id(scope, i) == iommuctl_device_iommufd_id(d));
}

static void check_done(struct iommuctl_container *c, struct iommuctl_device *d, const char *other)
{
        struct iommuctl_reset_scope *scope = NULL;
        struct iommuctl_device *second = NULL;

        GIVES("the other function opens beside it", 0, "", iommuctl_device_open(c, other, &second));
        GIVES("the scope now", 0, "", iommuctl_reset_scope_new(d, NULL, 0, &scope));
        CHECK("has both open", claim_on(scope, other) == IOMMUCTL_RESET_OPEN &&
                                       claim_on(scope, device_name) == IOMMUCTL_RESET_OPEN);
        iommuctl_reset_scope_free(scope);
        write_vet(d, 0x1234);
        write_vet(second, 0x5678);
        CHECK("registers were written", read_vet(d) == 0x1234 && read_vet(second) == 0x5678);
        GIVES("the hot reset", 0, "", iommuctl_device_hot_reset(d, NULL, 0));
        CHECK("took both", read_vet(d) == VET_RESET && read_vet(second) == VET_RESET);
        iommuctl_device_unref(second);
        write_vet(d, 0x1234);
        GIVES("and again with the other one closed", 0, "", iommuctl_device_hot_reset(d, NULL, 0));
        CHECK("took it again", read_vet(d) == VET_RESET);
}

static void check_refused(struct iommuctl_device *d, const char *other)
{
        char wanted[64];

        snprintf(wanted, sizeof(wanted), "%s", other);
        write_vet(d, 0x1234);
        GIVES("the hot reset is refused and names the other function", -EBUSY, wanted,
              iommuctl_device_hot_reset(d, NULL, 0));
        CHECK("so the kernel would have, too", by_hand(d) == -EINVAL);
        CHECK("nothing was reset", read_vet(d) == 0x1234);
}

void test_hot_reset(const char *other, bool other_is_bound)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_reset_scope *scope = NULL;

        GIVES("the scope is told", 0, "", iommuctl_reset_scope_new(d, NULL, 0, &scope));
        if (!scope)
                exit(1);
        CHECK("it is two devices", iommuctl_reset_scope_n_devices(scope) == 2);
        CHECK("this one is open", claim_on(scope, device_name) == IOMMUCTL_RESET_OPEN);
        CHECK("the other one is claimed as it is",
              claim_on(scope, other) == (other_is_bound ? IOMMUCTL_RESET_GROUP : IOMMUCTL_RESET_NOT_VFIO));
        CHECK("so is the whole", iommuctl_reset_scope_owned(scope) == other_is_bound);
        check_numbers(scope, d);
        iommuctl_reset_scope_free(scope);
        if (other_is_bound)
                check_done(c, d, other);
        else
                check_refused(d, other);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

static void claims_are(struct iommuctl_device *d, struct iommuctl_group *const groups[], size_t n_groups,
                       const char *owner, const char *other, enum iommuctl_reset_claim of_other)
{
        struct iommuctl_reset_scope *scope = NULL;

        GIVES("the scope", 0, "", iommuctl_reset_scope_new(d, groups, n_groups, &scope));
        if (!scope)
                exit(1);
        CHECK("is three devices", iommuctl_reset_scope_n_devices(scope) == 3);
        CHECK("this one is open", claim_on(scope, device_name) == IOMMUCTL_RESET_OPEN);
        CHECK("the native driver's is not VFIO's", claim_on(scope, owner) == IOMMUCTL_RESET_NOT_VFIO);
        printf("#   %s: %s\n", other,
               iommuctl_reset_claim_name((enum iommuctl_reset_claim)claim_on(scope, other)));
        CHECK("the third is claimed as it is", claim_on(scope, other) == (int)of_other);
        CHECK("it is not all ours", !iommuctl_reset_scope_owned(scope));
        iommuctl_reset_scope_free(scope);
}

void test_claims(const char *owner, const char *other, unsigned int other_group)
{
        struct iommuctl_container *c = new_container(), *c2 = NULL;
        struct iommuctl_device *d = open_device(c), *second = NULL;
        struct iommuctl_group *group = NULL;

        claims_are(d, NULL, 0, owner, other, IOMMUCTL_RESET_FOREIGN);
        GIVES("a stranger is named", -EBUSY, other, iommuctl_device_hot_reset(d, NULL, 0));
        GIVES("and the native driver's", -EBUSY, "is bound to nvme", iommuctl_device_hot_reset(d, NULL, 0));
        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                GIVES("another container", 0, "", iommuctl_container_new(ctx, backend, &c2));
                GIVES("with the stranger's group", 0, "", iommuctl_group_open(c2, other_group, &group));
                claims_are(d, NULL, 0, owner, other, IOMMUCTL_RESET_FOREIGN);
                claims_are(d, &group, 1, owner, other, IOMMUCTL_RESET_APART);
                iommuctl_group_unref(group);
                iommuctl_container_unref(c2);
        }
        GIVES("it opens here", 0, "", iommuctl_device_open(c, other, &second));
        claims_are(d, NULL, 0, owner, other, IOMMUCTL_RESET_APART);
        GIVES("the native driver's stands in the way", -EBUSY, owner, iommuctl_device_hot_reset(d, NULL, 0));
        CHECK("the kernel says no, too", by_hand(d) == -EINVAL);
        iommuctl_device_unref(second);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

void test_deaf_link(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);

        write_vet(d, 0x1234);
        GIVES("a link that does not come back is told", -ETIMEDOUT, "was hot reset, but",
              iommuctl_device_hot_reset(d, NULL, 0));
        CHECK("the reset is done all the same", read_vet(d) == VET_RESET);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

void test_no_hot_reset(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_reset_scope *scope = NULL;

        GIVES("on the root bus there is no scope", -EOPNOTSUPP, "neither its slot nor its bus",
              iommuctl_reset_scope_new(d, NULL, 0, &scope));
        GIVES("and no hot reset", -EOPNOTSUPP, "hot reset", iommuctl_device_hot_reset(d, NULL, 0));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

static void by_sysfs(char *text, size_t size)
{
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset_method", device_name);
        f = fopen(path, "r");
        text[0] = '\0';
        if (f && fgets(text, (int)size, f))
                text[strcspn(text, "\n")] = '\0';
        if (f)
                fclose(f);
}

void test_reset_methods(void)
{
        struct iommuctl_reset_methods_change *change = NULL, *second = NULL;
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        char before[128] = "", now[128];

        CHECK("the methods are told", iommuctl_reset_methods(ctx, device_name, before, sizeof(before)) > 0);
        by_sysfs(now, sizeof(now));
        printf("#   %s\n", before);
        CHECK("as sysfs has them, bus among them", streq(now, before) && strstr(before, "bus"));
        GIVES("one of them", 0, "", iommuctl_reset_methods_set(ctx, device_name, "bus", &change));
        by_sysfs(now, sizeof(now));
        CHECK("is the one then", streq(now, "bus"));
        GIVES("none", 0, "", iommuctl_reset_methods_set(ctx, device_name, "", &second));
        GIVES("then it is not reset", -EOPNOTSUPP, "turned off", iommuctl_device_reset(d));
        CHECK("is none", iommuctl_reset_methods(ctx, device_name, now, sizeof(now)) == 0);
        GIVES("one that it has not", -EINVAL, "acpi",
              iommuctl_reset_methods_set(ctx, device_name, "bus acpi", NULL));
        GIVES("given back", 0, "", iommuctl_reset_methods_restore(second));
        by_sysfs(now, sizeof(now));
        CHECK("it is one again", streq(now, "bus"));
        write_vet(d, 0x1234);
        GIVES("by which it is reset, and the link not seen to come back", -ETIMEDOUT, "by \"bus\"",
              iommuctl_device_reset(d));
        CHECK("it was reset all the same", read_vet(d) == VET_RESET);
        GIVES("and the first, too", 0, "", iommuctl_reset_methods_restore(change));
        by_sysfs(now, sizeof(now));
        CHECK("they are as they were", streq(now, before));
        GIVES("all that it has", 0, "", iommuctl_reset_methods_set(ctx, device_name, "default", NULL));
        by_sysfs(now, sizeof(now));
        CHECK("are those", streq(now, before));
        /* The first is by way of D3hot, which leaves QEMU's registers as they are. */
        GIVES("by which it is reset", 0, "", iommuctl_device_reset(d));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
