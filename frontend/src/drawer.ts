/**
 * The shared drawer: `<a href="/x/1/" hx-get="/x/1/" hx-target="#drawer-body" data-drawer="投诉 0001">`.
 * It closes on `HX-Trigger: drawer:close`, on Escape and on its button.
 */
export function watchDrawer(): void {
  document.addEventListener('click', (event) => {
    const target = event.target as Element
    const link = target.closest<HTMLElement>('[data-drawer]')
    const drawer = document.querySelector<HTMLDialogElement>('#drawer')
    if (link && drawer && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      drawer.querySelector('[data-part="title"]')!.textContent = link.dataset.drawer ?? ''
      drawer.querySelector('#drawer-body')!.replaceChildren(Object.assign(document.createElement('p'), { className: 'text-secondary', textContent: '正在加载…' }))
      if (!drawer.open) drawer.showModal()
    }
    // A click on the backdrop reaches the dialog itself.
    if (target instanceof HTMLDialogElement && target.matches('.drawer')) {
      const box = target.getBoundingClientRect()
      if ((event as MouseEvent).clientX < box.left || (event as MouseEvent).clientX > box.right) target.close()
    }
    target.closest('[data-close-dialog]')?.closest('dialog')?.close()
  })
  document.body.addEventListener('drawer:close', () => document.querySelector<HTMLDialogElement>('#drawer')?.close())
}
