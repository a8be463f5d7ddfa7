// Runs the public graphql-http audit suite (server side) against the address given.
import http from 'node:http'
import { auditServer } from 'graphql-http'

// Node's resolver does not know *.localhost, so the connection goes to loopback under the host's name.
function fetchFn(address, { method = 'GET', headers = {}, body, signal } = {}) {
  const url = new URL(address)
  return new Promise((ok, fail) => {
    const sent = { ...Object.fromEntries(new Headers(headers)), host: url.host }
    const request = http.request({ host: '127.0.0.1', port: url.port, path: url.pathname + url.search, method, headers: sent, signal }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('end', () => ok(new Response(parts.length ? Buffer.concat(parts) : null, { status: answer.statusCode, headers: answer.headers })))
    })
    request.on('error', fail)
    request.end(body)
  })
}

const rows = await auditServer({ url: process.argv[2], fetchFn })
console.log(JSON.stringify(rows.map((r) => ({ status: r.status, name: r.name, reason: r.reason ?? '' }))))
