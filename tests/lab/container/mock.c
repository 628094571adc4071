/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices of the kernel's own self-test of iommufd (CONFIG_IOMMUFD_TEST): they do no DMA, but their IOMMU
 * tracks, and pages can be declared written. Beside VT-d or AMD-Vi they find no IOMMU in Linux 6.12: the
 * first that has no firmware node is taken for theirs (drivers/iommu/iommu.c, iommu_ops_from_fwnode()).
 * Numbers: drivers/iommu/iommufd/iommufd_test.h. */
#include "container.h"

#include <linux/ioctl.h>
#include <sys/ioctl.h>

#define TEST_CMD _IO(';', 0x80 + 32)
enum {
        MOCK_DOMAIN = 2,
        MOCK_DOMAIN_REPLACE = 10,
        MOCK_DOMAIN_FLAGS = 12,
        DIRTY = 13,
};
#define NO_DIRTY  1u /* MOCK_FLAGS_DEVICE_NO_DIRTY */
#define MOCK_PAGE (PAGE / 2)
/* inside of its aperture, which begins at 1 << 24 */
#define AT 0x2000000u

struct test_cmd {
        uint32_t size, op, id, reserved;
        union {
                struct {
                        uint32_t device, hwpt, iommufd_device, flags;
                } domain;
                struct {
                        uint32_t flags;
                        uint64_t iova __attribute__((aligned(8)));
                        uint64_t length, page_size, bitmap, n_dirty;
                } dirty;
                unsigned char room[48];
        };
        uint32_t last;
};

static int test(struct iommuctl_container *c, struct test_cmd *cmd)
{
        cmd->size = sizeof(*cmd);
        return ioctl(iommuctl_container_fd(c), TEST_CMD, cmd) < 0 ? -errno : 0;
}

static int declare_written(struct iommuctl_container *c, uint32_t hwpt, uint64_t iova)
{
        uint64_t bit = 1;
        struct test_cmd cmd = { .op = DIRTY,
                                .id = hwpt,
                                .dirty = { .iova = iova,
                                           .length = MOCK_PAGE,
                                           .page_size = MOCK_PAGE,
                                           .bitmap = (uintptr_t)&bit } };
        int r = test(c, &cmd);

        return r < 0 ? r : (int)cmd.dirty.n_dirty;
}

static void track(struct iommuctl_container *c, struct iommuctl_hwpt *hwpt, struct iommuctl_dma *dma)
{
        const uint32_t id = iommuctl_hwpt_id(hwpt);
        struct iommuctl_dirty *dirty = NULL;
        uint64_t bitmap[2] = { 0 };

        GIVES("tracking begins", 0, "", iommuctl_dirty_start_hwpts(&hwpt, 1, &dirty));
        CHECK("with the system's pages", iommuctl_dirty_page_size(dirty) == PAGE);
        iommuctl_dirty_read(dirty, AT, 80 * PAGE, 0, bitmap, 2);
        CHECK("nothing is dirty", bitmap[0] == 0 && bitmap[1] == 0);
        CHECK("two pages are written", declare_written(c, id, AT + 3 * PAGE + MOCK_PAGE) == 1 &&
                                               declare_written(c, id, AT + 70 * PAGE) == 1);
        iommuctl_dirty_read(dirty, AT, 80 * PAGE, IOMMUCTL_DIRTY_KEEP, bitmap, 2);
        CHECK("those two are dirty", bitmap[0] == 8 && bitmap[1] == 1 << 6);
        memset(bitmap, 0, sizeof(bitmap));
        iommuctl_dirty_read(dirty, AT - PAGE, 120 * PAGE, 0, bitmap, 2);
        CHECK("and again, having been kept", bitmap[0] == 16 && bitmap[1] == 1 << 7);
        memset(bitmap, 0, sizeof(bitmap));
        GIVES("the next reading works", 0, "", iommuctl_dirty_read(dirty, AT, 80 * PAGE, 0, bitmap, 2));
        CHECK("and tells nothing", bitmap[0] == 0 && bitmap[1] == 0);
        CHECK("one more is written", declare_written(c, id, AT + 79 * PAGE) == 1);
        GIVES("and told with the unmapping", 0, "", iommuctl_dirty_unmap(dirty, dma, bitmap, 2));
        CHECK("which is right", bitmap[0] == 0 && bitmap[1] == 1 << 15);
        GIVES("tracking ends", 0, "", iommuctl_dirty_stop(dirty));
        CHECK("and nothing can be declared written any more", declare_written(c, id, AT) == -EINVAL);
}

void test_dirty_mock(void)
{
        const struct iommuctl_hwpt_options tracks = { .struct_size = sizeof(tracks),
                                                      .flags = IOMMUCTL_HWPT_DIRTY_TRACKING };
        struct iommuctl_dma_options at = { .struct_size = sizeof(at),
                                           .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                           .iova = AT };
        struct iommuctl_container *c;
        struct iommuctl_hwpt *hwpt = NULL;
        struct iommuctl_dma *dma = NULL;
        struct test_cmd cmd = { .op = MOCK_DOMAIN }, replace = { .op = MOCK_DOMAIN_REPLACE },
                        cannot = { .op = MOCK_DOMAIN_FLAGS, .domain.flags = NO_DIRTY };
        int r;

        c = new_container();
        cmd.id = cannot.id = iommuctl_container_ioas_id(c);
        r = test(c, &cmd);
        if (!GIVES("a mock device", 0, "", r)) {
                iommuctl_container_unref(c);
                return;
        }
        iommuctl_dma_alloc(c, 80 * PAGE, &at, &dma);
        GIVES("a page table that tracks", 0, "",
              iommuctl_hwpt_new(c, cmd.domain.iommufd_device, &tracks, &hwpt));
        replace.id = cmd.domain.device;
        replace.domain.device = iommuctl_hwpt_id(hwpt); /* pt_id */
        CHECK("the mock device is in it", test(c, &replace) == 0);
        track(c, hwpt, dma);
        replace.domain.device = iommuctl_container_ioas_id(c);
        test(c, &replace);
        iommuctl_hwpt_unref(hwpt);
        hwpt = NULL;
        CHECK("a mock device that cannot track", test(c, &cannot) == 0);
        GIVES("is given no such page table", -EOPNOTSUPP, "dirty tracking",
              iommuctl_hwpt_new(c, cannot.domain.iommufd_device, &tracks, &hwpt));
        iommuctl_container_unref(c);
}
