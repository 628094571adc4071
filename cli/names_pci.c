/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "names_pci.h"

#include <pci/pci.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

struct names_pci {
        struct pci_access *access; /* NULL: libpci is of no use here */
};

/* libpci's own error handler ends the process, and one that returns is not expected. */
static jmp_buf on_error;

__attribute__((noreturn)) static void error(char *message, ...)
{
        (void)message;
        longjmp(on_error, 1);
}

static void ignore(char *message, ...)
{
        (void)message;
}

static bool open_names(struct names_pci **names)
{
        if (*names)
                return (*names)->access != NULL;
        *names = calloc(1, sizeof(**names));
        if (!*names)
                return false;
        if (setjmp(on_error) != 0)
                return false;
        (*names)->access = pci_alloc();
        if (!(*names)->access)
                return false;
        (*names)->access->error = error;
        (*names)->access->warning = ignore;
        (*names)->access->debug = ignore;
        return true;
}

void names_pci_free(struct names_pci *names)
{
        if (!names)
                return;
        if (names->access && setjmp(on_error) == 0)
                pci_cleanup(names->access);
        free(names);
}

static bool lookup(struct names_pci **names, int flags, uint32_t first, uint32_t second, char *text,
                   size_t size)
{
        if (!open_names(names))
                return false;
        if (setjmp(on_error) != 0) {
                (*names)->access = NULL; /* in no state to be asked again, or freed */
                return false;
        }
        return pci_lookup_name((*names)->access, text, (int)size, flags | PCI_LOOKUP_NO_NUMBERS, (int)first,
                               (int)second) != NULL;
}

bool names_pci_vendor(struct names_pci **names, uint32_t vendor, char *text, size_t size)
{
        return lookup(names, PCI_LOOKUP_VENDOR, vendor, 0, text, size);
}

bool names_pci_device(struct names_pci **names, uint32_t vendor, uint32_t device, char *text, size_t size)
{
        return lookup(names, PCI_LOOKUP_DEVICE, vendor, device, text, size);
}

bool names_pci_class(struct names_pci **names, uint32_t class, char *text, size_t size)
{
        char *number;

        if (!lookup(names, PCI_LOOKUP_CLASS, class, 0, text, size))
                return false;
        /* A sub-class without a name comes as its class with the number behind, "Unassigned class [ffff]". */
        number = strrchr(text, '[');
        if (number && number > text && number[-1] == ' ')
                number[-1] = '\0';
        return true;
}
