/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "open.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

int open_by_hand(const char *path)
{
        int fd = open(path, O_RDWR | O_CLOEXEC);

        if (fd < 0) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                exit(1);
        }
        return fd;
}

const char *node_of(const char *device)
{
        static char path[300];
        struct dirent *entry;
        DIR *dir;

        /* /sys/bus/BUS/devices: the device is on one of two */
        snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/vfio-dev", strlen(device) == 36 ? "mdev" : "pci",
                 device);
        dir = opendir(path);
        path[0] = '\0';
        while (dir && (entry = readdir(dir)))
                if (startswith(entry->d_name, "vfio"))
                        snprintf(path, sizeof(path), "/dev/vfio/devices/%.20s", entry->d_name);
        if (dir)
                closedir(dir);
        return path[0] && access(path, F_OK) == 0 ? path : NULL;
}

unsigned int group_of(const char *device)
{
        char path[300], target[300];
        ssize_t n;

        snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/iommu_group",
                 strlen(device) == 36 ? "mdev" : "pci", device);
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                exit(1);
        }
        target[n] = '\0';
        return (unsigned int)strtoul(path_basename(target), NULL, 10);
}

int main(int argc, char **argv)
{
        const char *what = argc > 1 ? argv[1] : "";
        bool cloexec;
        int before;

        if (argc < 4 || iommuctl_ctx_new(&ctx) < 0) {
                fprintf(stderr, "usage: lab-open given|mdev|token type1|iommufd DEVICE…\n");
                return 2;
        }
        backend = streq(argv[2], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD;
        device_name = argv[3];
        before = count_fds(&cloexec);
        if (streq(what, "given"))
                test_given();
        else if (streq(what, "mdev"))
                test_mdev();
        else if (streq(what, "token") && argc > 5)
                test_tokens(argv[3], argv[4], argv[5]);
        else
                return 2;
        CHECK("no descriptor is left over", before == count_fds(&cloexec));
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed > 0;
}
