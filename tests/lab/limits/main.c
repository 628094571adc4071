/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "limits.h"

uint64_t status_kib(const char *name)
{
        FILE *f = fopen("/proc/self/status", "re");
        uint64_t kib = 0;
        char line[128];

        while (f && fgets(line, sizeof(line), f))
                if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
                        kib = strtoull(line + strlen(name) + 1, NULL, 10);
        if (f)
                fclose(f);
        return kib;
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                void (*run)(void);
        } parts[] = { { "sets", test_sets },
                      { "charged", test_charged_once },
                      { "populate", test_populate },
                      { "nodes", test_nodes } };
        bool cloexec;
        int before, after;

        if (argc < 4 || iommuctl_ctx_new(&ctx) < 0) {
                fprintf(stderr, "usage: lab-limits sets|charged|populate|nodes type1|iommufd EDU-DEVICE "
                                "[OTHER-DEVICE]\n");
                return 2;
        }
        backend = streq(argv[2], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD;
        device_name = argv[3];
        other_name = argc > 4 ? argv[4] : NULL;
        before = count_fds(&cloexec);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (streq(argv[1], parts[i].name))
                        parts[i].run();
        after = count_fds(&cloexec);
        CHECK("no descriptor is left over", before == after);
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed > 0;
}
