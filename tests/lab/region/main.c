/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "region.h"

#include <fcntl.h>
#include <unistd.h>

unsigned int interrupts_with(const char *text)
{
        FILE *f = fopen("/proc/interrupts", "re");
        unsigned int n = 0;
        char line[4096];

        while (f && fgets(line, sizeof(line), f))
                n += strstr(line, text) != NULL;
        if (f)
                fclose(f);
        return n;
}

uint16_t sysfs_config16(unsigned int offset)
{
        uint8_t bytes[2] = { 0xff, 0xff };
        char path[200];
        int fd;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", device_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || pread(fd, bytes, sizeof(bytes), offset) != sizeof(bytes))
                printf("# %s cannot be read\n", path);
        if (fd >= 0)
                close(fd);
        return (uint16_t)(bytes[0] | bytes[1] << 8);
}

struct iommuctl_region *open_region(struct iommuctl_device *d, unsigned int index)
{
        struct iommuctl_region *region = NULL;
        int r = iommuctl_region_open(d, index, &region);

        if (r < 0) {
                note("region_open", r);
                exit(1);
        }
        return region;
}

void set_decoding(struct iommuctl_device *d, bool on)
{
        struct iommuctl_region *config = open_region(d, VFIO_PCI_CONFIG_REGION_INDEX);
        uint16_t command = 0;

        GIVES("the command register is read", 0, "", iommuctl_region_read16(config, 4, &command));
        GIVES(on ? "memory decoding goes on" : "memory decoding goes off", 0, "",
              iommuctl_region_write16(config, 4, (uint16_t)(on ? command | 2 : command & ~2)));
        iommuctl_region_free(config);
}

static const struct {
        const char *name;
        void (*run)(void);
} checks[] = {
        { "bus-master", test_bus_master },
        { "widths", test_widths_and_doorbells },
        { "resample", test_resample },
        { "guard", test_guard },
        { "msix", test_msix },
        { "large", test_large },
        { "let-go", test_let_go },
        { "pulled", test_pulled },
        { "vga", test_vga },
};

/* The capabilities of a config file of sysfs, an offset a line. */
static int print_caps(const char *path)
{
        static struct iommuctl_pci_cap caps[IOMMUCTL_PCI_CAPS_MAX];
        unsigned int problems = 0;
        char config[4096];
        int fd = open(path, O_RDONLY | O_CLOEXEC), n;
        ssize_t size = fd < 0 ? -1 : read(fd, config, sizeof(config));

        if (size < 0)
                return 1;
        n = iommuctl_pci_caps_parse(config, (size_t)size, caps, ARRAY_SIZE(caps), &problems);
        for (int i = 0; i < n; i++)
                printf("%x %s\n", caps[i].offset, iommuctl_pci_cap_name(caps[i].extended, caps[i].id) ?: "?");
        return problems != 0;
}

int main(int argc, char **argv)
{
        bool known = false, cloexec;
        int before;

        if (argc == 3 && streq(argv[1], "caps"))
                return print_caps(argv[2]);
        if (argc < 4 || iommuctl_ctx_new(&ctx) < 0) {
                fprintf(stderr, "usage: lab-region iommufd|type1 CHECK DEVICE\n");
                return 2;
        }
        backend = streq(argv[1], "iommufd") ? IOMMUCTL_BACKEND_IOMMUFD : IOMMUCTL_BACKEND_TYPE1;
        device_name = argv[3];
        before = count_fds(&cloexec);
        for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
                if (!streq(argv[2], checks[i].name))
                        continue;
                checks[i].run();
                known = true;
        }
        if (!known)
                return 2;
        CHECK("no descriptor is left open", count_fds(&cloexec) == before);
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed != 0;
}
