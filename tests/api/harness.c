/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_CALLS 100000

/* Each stands for a family: no room, no right, broken hardware, no descriptors, in use. EINTR is not among
 * them: the table hides it (src/kernel.c). ENOENT is a lie about what is there, and leads to another outcome
 * than a failure does: with it only leaks are looked for. */
static const int errors[] = { -ENOMEM, -EACCES, -EIO, -EMFILE, -EBUSY, -ENOENT };

struct iommuctl_ctx *new_ctx(struct fake *m)
{
        struct iommuctl_ctx *ctx = NULL;

        assert_int_equal(ctx_new_with_kernel(fake_kernel(m), NULL, &ctx), 0);
        return ctx;
}

const char *error_text(struct iommuctl_ctx *ctx)
{
        static char text[1024];

        iommuctl_ctx_error(ctx, text, sizeof(text));
        return text;
}

const char *error_device(struct iommuctl_ctx *ctx)
{
        static char text[64];

        iommuctl_ctx_error_device(ctx, text, sizeof(text));
        return text;
}

void assert_contains_at(const char *text, const char *word, const char *file, int line)
{
        if (text && strstr(text, word))
                return;
        print_error("\"%s\" is not in \"%s\"\n", word, text ? text : "(null)");
        _fail(file, line);
}

void assert_fails_at(struct iommuctl_ctx *ctx, int r, int expected, const char *word, const char *expr,
                     const char *file, int line)
{
        if (r != expected) {
                print_error("%s: %d (%s), not %d (%s); text: %s\n", expr, r, strerror(r < 0 ? -r : 0),
                            expected, strerror(-expected), error_text(ctx));
                _fail(file, line);
        }
        assert_contains_at(error_text(ctx), word, file, line);
}

void assert_ok_at(struct iommuctl_ctx *ctx, int r, const char *expr, const char *file, int line)
{
        if (r >= 0)
                return;
        print_error("%s: %d (%s): %s\n", expr, r, strerror(-r), error_text(ctx));
        _fail(file, line);
}

void assert_clean(struct fake *m, unsigned int allowed_fds)
{
        const char *text;

        if (fake_audit(m, allowed_fds, &text) == 0)
                return;
        print_error("left over:\n%s", text);
        fail();
}

static char where[512];

const char *scenario_where(void)
{
        return where;
}

/* One run on a machine of its own. Returns false once the fault was not met: the scenario has fewer calls. */
static bool run_once(const struct scenario *s, enum fake_fault_kind kind, unsigned int n, int error,
                     bool in_malloc)
{
        struct fake *m = s->machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        const char *left;
        char text[1024];
        bool hit;
        int r;

        iommuctl_ctx_error(ctx, text, sizeof(text));
        if (in_malloc)
                malloc_fail_at(n);
        else
                fake_set_fault(m, kind, n, error);
        r = s->run(ctx, m);
        hit = in_malloc ? malloc_fail_hit() : fake_fault_hit(m);
        malloc_fail_at(0);
        snprintf(where, sizeof(where), "%s, %s %u (%s)%s%s", s->name, in_malloc ? "allocation" : "call", n,
                 in_malloc ? "-" : fake_fault_where(m), error ? ": " : "", error ? strerror(-error) : "");
        fake_set_fault(m, FAKE_FAULT_NONE, 0, 0);
        iommuctl_ctx_error(ctx, text, sizeof(text));
        iommuctl_ctx_unref(ctx);
        if (r < 0 && (!hit || (r != -ENOMEM && !text[0]))) {
                print_error("%s: ended in %d (%s), text \"%s\"\n", where, r, strerror(-r), text);
                fail();
        }
        if (fake_audit(m, 0, &left)) {
                print_error("%s: ended in %d, left over:\n%s", where, r, left);
                fail();
        }
        if (s->check && error != -ENOENT)
                s->check(m, r);
        fake_machine_free(m);
        where[0] = '\0';
        return hit;
}

void each_call_failing(const struct scenario *s)
{
        unsigned int calls = 0, allocations = 0, n;

        run_once(s, FAKE_FAULT_NONE, 0, 0, false);
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
                for (n = 1; n < MAX_CALLS && run_once(s, FAKE_FAULT_ERROR, n, errors[i], false); n++)
                        calls++;
        for (n = 1; s->lasting && n < MAX_CALLS && run_once(s, FAKE_FAULT_STICKY, n, -EIO, false); n++)
                calls++;
        for (n = 1; n < MAX_CALLS && run_once(s, FAKE_FAULT_SHORT, n, 0, false); n++)
                calls++;
        for (n = 1; n < MAX_CALLS && run_once(s, FAKE_FAULT_NONE, n, 0, true); n++)
                allocations++;
        assert_true(calls > 0);
        print_message("# %s: %u failing calls, %u failing allocations\n", s->name, calls, allocations);
}

static bool kill_once(const struct scenario *s, enum fake_fault_kind kind, unsigned int n,
                      void (*recover)(struct fake *m))
{
        struct fake *m = s->machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        const char *left;
        bool hit;
        int r;

        fake_set_fault(m, kind, n, 0);
        r = s->run(ctx, m);
        hit = fake_fault_hit(m);
        iommuctl_ctx_unref(ctx);
        if (hit) {
                snprintf(where, sizeof(where), "%s, killed %s call %u (%s)", s->name,
                         kind == FAKE_FAULT_KILL_BEFORE ? "before" : "after", n, fake_fault_where(m));
                fake_revive(m);
                if (recover)
                        recover(m);
                if (fake_audit(m, 0, &left)) {
                        print_error("%s: left over:\n%s", where, left);
                        fail();
                }
                if (s->check)
                        s->check(m, -EINTR);
        } else if (r < 0) {
                print_error("%s: ended in %d without a fault\n", s->name, r);
                fail();
        }
        fake_machine_free(m);
        where[0] = '\0';
        return hit;
}

void each_call_killed(const struct scenario *s, void (*recover)(struct fake *m))
{
        unsigned int kills = 0, n;

        for (n = 1; n < MAX_CALLS && kill_once(s, FAKE_FAULT_KILL_BEFORE, n, recover); n++)
                kills++;
        for (n = 1; n < MAX_CALLS && kill_once(s, FAKE_FAULT_KILL_AFTER, n, recover); n++)
                kills++;
        assert_true(kills > 0);
        print_message("# %s: killed at %u points\n", s->name, kills);
}
