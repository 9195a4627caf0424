// What stands in an empty listbox, which must have an option in it. Only ears meet it.

export function NoOption() {
  return (
    <span class="unseen" role="option" tabIndex={-1} aria-disabled="true" aria-selected={false}>
      nothing yet
    </span>
  )
}
