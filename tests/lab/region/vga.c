/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A graphics card: its option ROM, and legacy VGA. */
#include "region.h"

/* The registers of VGA: Miscellaneous Output is written at 0x3c2 and read at 0x3cc. */
enum { VGA_MISC_WRITE = 0x3c2, VGA_MISC_READ = 0x3cc };

static void check_rom(struct iommuctl_device *d)
{
        struct iommuctl_region *rom = open_region(d, VFIO_PCI_ROM_REGION_INDEX);
        uint16_t magic = 0;
        void *map = NULL;

        CHECK("the ROM can be read and nothing else", iommuctl_region_flags(rom) == IOMMUCTL_REGION_READ);
        CHECK("it begins as an option ROM does",
              iommuctl_region_read16(rom, 0, &magic) == 0 && magic == 0xaa55);
        GIVES("behind the image it is all ones", 0, "",
              iommuctl_region_read16(rom, iommuctl_region_size(rom) - 2, &magic));
        CHECK("which is no sign that the card is gone", magic == 0xffff);
        GIVES("it is not written", -EACCES, "written", iommuctl_region_write8(rom, 0, 0));
        GIVES("nor mapped", -EOPNOTSUPP, "nothing", iommuctl_region_map(rom, 0, 0, &map));
        iommuctl_region_free(rom);
}

void test_vga(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *vga;
        uint8_t before = 0, after = 0;

        check_rom(d);
        vga = open_region(d, VFIO_PCI_VGA_REGION_INDEX);
        CHECK("legacy VGA reaches to 0xbffff", iommuctl_region_size(vga) == 0xc0000);
        GIVES("a port is read", 0, "", iommuctl_region_read8(vga, VGA_MISC_READ, &before));
        GIVES("and written", 0, "", iommuctl_region_write8(vga, VGA_MISC_WRITE, before ^ 0x20));
        GIVES("and read back", 0, "", iommuctl_region_read8(vga, VGA_MISC_READ, &after));
        CHECK("as it was written", after == (before ^ 0x20));
        GIVES("as it was", 0, "", iommuctl_region_write8(vga, VGA_MISC_WRITE, before));
        GIVES("its memory is read", 0, "", iommuctl_region_read8(vga, 0xa0000, &after));
        GIVES("what lies between is not there", -EINVAL, "region 8",
              iommuctl_region_read8(vga, 0x9ffff, &after));
        iommuctl_region_free(vga);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
