/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The least that listing IOMMU groups can cost: every group's devices, one uevent read each, nothing sorted,
 * nothing named. What iommuctl groups is measured against. bare-walk DIR prints a line a device. */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *value(const char *text, const char *key)
{
        const char *at = strstr(text, key);

        return at ? at + strlen(key) : "";
}

static void walk_group(const char *root, const char *group)
{
        char path[1024], text[4097];
        struct dirent *entry;
        ssize_t n;
        DIR *dir;
        int fd;

        snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups/%s/devices", root, group);
        dir = opendir(path);
        if (!dir)
                return;
        while ((entry = readdir(dir))) {
                const char *driver, *id;

                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups/%s/devices/%s/uevent", root, group,
                         entry->d_name);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        continue;
                n = read(fd, text, sizeof(text) - 1);
                close(fd);
                text[n > 0 ? n : 0] = '\0';
                driver = value(text, "DRIVER=");
                id = value(text, "PCI_ID=");
                printf("%s %s %.9s %.*s\n", group, entry->d_name, id, (int)strcspn(driver, "\n"), driver);
        }
        closedir(dir);
}

int main(int argc, char **argv)
{
        const char *root = argc > 1 ? argv[1] : "";
        char path[1024];
        struct dirent *entry;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups", root);
        dir = opendir(path);
        if (!dir)
                return 1;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        walk_group(root, entry->d_name);
        closedir(dir);
        return 0;
}
