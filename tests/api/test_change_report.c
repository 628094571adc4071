/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the command says of changes, on a machine in memory: the verbs bind and restore of cli/. */
#include "machines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define NOTE(device) "/run/iommuctl/devices/" device

const struct command *const commands[] = { &cmd_bind, &cmd_restore, NULL };

static struct fake *m;
static bool quiet, json;
static char *out;        /* what it wrote on standard output */
static char said[16384]; /* and on standard error */

static int setup(void **state)
{
        (void)state;
        m = machine_native(NULL);
        quiet = json = false;
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        free(out);
        out = NULL;
        assert_clean(m, 0);
        fake_machine_free(m);
        return 0;
}

static int run(const struct command *command, char *argument, char *other)
{
        char *argv[] = { (char *)command->name, argument, other, NULL };
        struct cli cli = { .json = json, .quiet = quiet, .command = command };
        int status, saved = dup(STDERR_FILENO);
        size_t size;
        FILE *file, *errors = tmpfile();

        free(out);
        out = NULL;
        file = open_memstream(&out, &size);
        cli.ctx = new_ctx(m);
        cli.out = sink_new(file, json, false);
        assert_true(saved >= 0 && errors && cli.out);
        dup2(fileno(errors), STDERR_FILENO);
        optind = 0;
        status = command->run(&cli, other ? 3 : 2, argv);
        fflush(stderr);
        dup2(saved, STDERR_FILENO);
        close(saved);
        if (cli.out)
                sink_finish(cli.out);
        sink_free(cli.out);
        fclose(file);
        iommuctl_ctx_unref(cli.ctx);
        rewind(errors);
        said[fread(said, 1, sizeof(said) - 1, errors)] = '\0';
        fclose(errors);
        return status;
}

/* Each hazard is named, also to who wants quiet; what would help is not. */
static void test_quiet_refusal(void **state)
{
        (void)state;
        fake_add_mount(m, 259, 1, "/srv", "/dev/nvme0n1p1");
        fake_add_mount(m, 259, 1, "/home", "/dev/nvme0n1p1");
        fake_add_swap(m, "/dev/nvme0n1p1");
        quiet = true;
        assert_int_equal(run(&cmd_bind, DISK, NULL), EXIT_REFUSED);
        assert_contains(said, "swap: ");
        assert_contains(said, "/srv");
        assert_contains(said, "mounted: ");
        assert_null(strstr(said, "--allow="));
        quiet = false;
        assert_int_equal(run(&cmd_bind, DISK, NULL), EXIT_REFUSED);
        assert_contains(said, "--allow=");
}

static void test_refusal_in_json(void **state)
{
        (void)state;
        json = true;
        assert_int_equal(run(&cmd_bind, GPU, NULL), EXIT_REFUSED);
        assert_contains(out, "\"applied\":false");
        assert_contains(out, "\"changed\":false");
        assert_null(strstr(out, "\"changed\":true"));
        assert_int_equal(run(&cmd_bind, "--dry-run", GPU), EXIT_REFUSED);
        assert_contains(out, "\"changed\":true");
        assert_contains(out, "\"error\":{\"code\":\"ECANCELED\",\"status\":3");
}

static void test_foreign_override(void **state)
{
        struct kernel *k = fake_kernel(m);
        pid_t pid;

        (void)state;
        fake_add_driver(m, "some-driver", &(struct fake_driver){ .bus = "platform" });
        fake_add_other(m, "platform", "ff000000.dma", "some-driver", 20);
        k->ops->write_guarded(k, AT_FDCWD, "/sys/bus/platform/devices/ff000000.dma/driver_override",
                              "some-driver", 11, 1000, &pid);
        assert_int_equal(run(&cmd_restore, "ff000000.dma", NULL), EXIT_DONE);
        assert_contains(said, "'echo > /sys/bus/platform/devices/ff000000.dma/driver_override' clears it");
}

static void test_restore_of_the_unplugged(void **state)
{
        (void)state;
        assert_int_equal(run(&cmd_bind, NIC, NULL), EXIT_DONE);
        fake_remove(m, "/sys/bus/pci/devices/" NIC);
        fake_remove(m, "/sys/kernel/iommu_groups/8");
        assert_int_equal(run(&cmd_restore, "02:00.0", NULL), EXIT_DONE);
        assert_false(fake_exists(m, NOTE(NIC)));
        assert_int_equal(run(&cmd_restore, "02:00.0", NULL), EXIT_NO_DEVICE);
}

static void test_damaged_note(void **state)
{
        (void)state;
        assert_int_equal(run(&cmd_bind, NIC, NULL), EXIT_DONE);
        assert_int_equal(run(&cmd_bind, "group:7", NULL), EXIT_DONE);
        fake_add_file(m, NOTE(NIC), "x\n");
        assert_int_equal(run(&cmd_restore, "--all", NULL), EXIT_FAILED);
        assert_contains(said, NIC ", is damaged");
        assert_contains(out, "vfio-pci → nouveau");
        assert_string_equal(fake_driver_of(m, GPU), "nouveau");
}

/* What status lists as changed is what a restore would act on. */
static void test_pending(void **state)
{
        struct iommuctl_machine *machine;
        struct iommuctl_ctx *ctx;
        char text[2048];

        (void)state;
        fake_add_file(m, "/proc/sys/kernel/random/boot_id", "3f7bc984-c425-4cf2-8ff9-c5435bd7ff25\n");
        assert_int_equal(run(&cmd_bind, NIC, NULL), EXIT_DONE);
        assert_int_equal(run(&cmd_bind, "group:7", NULL), EXIT_DONE);
        snprintf(text, sizeof(text), "%s", fake_read(m, NOTE(GPU)));
        memcpy(strstr(text, "boot=") + 5, "another", 7);
        fake_add_file(m, NOTE(GPU), text);
        fake_add_file(m, NOTE(AUDIO), "damaged\n");
        fake_add_file(m, NOTE("README"), "no note\n");
        fake_add_dir(m, NOTE("directory"));
        ctx = new_ctx(m);
        assert_ok(ctx, iommuctl_machine_new(ctx, &machine));
        assert_int_equal(iommuctl_machine_n_pending(machine), 2);
        assert_string_equal(iommuctl_machine_pending(machine, 0), AUDIO);
        assert_string_equal(iommuctl_machine_pending(machine, 1), NIC);
        iommuctl_machine_free(machine);
        iommuctl_ctx_unref(ctx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(quiet_refusal),    TEST(refusal_in_json),
                TEST(foreign_override), TEST(restore_of_the_unplugged),
                TEST(damaged_note),     TEST(pending),
        };

        return run_tap_tests("change report", tests);
}
