#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    int value;
    struct node *next;
};

struct node *push(struct node *head, int value)
{
    struct node *fresh = malloc(⟦sizeof *fresh⟧);
    if (fresh == NULL) {
        return head;
    }
    fresh->value = value;
    ⟦fresh->next = head;⟧
    return fresh;
}

int sum(const struct node *head)
{
    int total = 0;
    for (const struct node *at = head; ⟦at != NULL; at = at->next⟧) {
        total += at->value;
    }
    return total;
}

void release(struct node *head)
{
    while (head != NULL) {
        struct node *next = head->next;
        free(head);
        head = next;
    }
}

int main(void)
{
    struct node *head = push(push(NULL, 1), 2);
    printf("⟦sum: %d\n⟧", sum(head));
    release(head);
    return 0;
}
