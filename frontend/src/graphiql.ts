// @entry
import 'graphiql/style.css'
import './graphiql.css'
import './common'
import { GraphiQL } from 'graphiql'
import { setNonce } from 'get-nonce'
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'

// The GraphQL console: asks this host's /graphql/ with the session of the person who looks.

const csrf = (): string => document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? document.body.dataset.csrf ?? ''
const root = document.querySelector<HTMLElement>('#graphiql')

/** What was typed is kept in this tab only: other people may use this computer. */
const storage = {
  getItem: (key: string) => sessionStorage.getItem(key),
  setItem: (key: string, value: string) => sessionStorage.setItem(key, value),
  removeItem: (key: string) => sessionStorage.removeItem(key),
  clear: () => sessionStorage.clear(),
  get length() {
    return sessionStorage.length
  },
}

async function fetcher(asked: { query: string; variables?: unknown; operationName?: string | null }): Promise<any> {
  const answer = await fetch('/graphql/', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': csrf() },
    body: JSON.stringify({ query: asked.query, variables: asked.variables, operationName: asked.operationName }),
  })
  return answer.json()
}

/** CodeMirror's parts get what they lack for keyboards and screen readers. */
function speak(within: HTMLElement): void {
  within.querySelectorAll('textarea:not([aria-label])').forEach((area) => {
    const answer = area.closest('.graphiql-response')
    area.setAttribute('aria-label', answer ? '返回结果' : area.closest('.graphiql-query-editor') ? '查询' : '变量')
  })
  within.querySelectorAll('.CodeMirror-scroll[tabindex="-1"]').forEach((part) => part.setAttribute('tabindex', '0'))
}

if (root) {
  new MutationObserver(() => speak(root)).observe(root, { childList: true, subtree: true })
  setNonce(root.dataset.nonce ?? '')
  createRoot(root).render(
    createElement(GraphiQL, {
      fetcher, storage, isHeadersEditorEnabled: false, forcedTheme: 'light', defaultQuery: root.dataset.query,
    }),
  )
}
