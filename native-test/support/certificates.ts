/** Certificates for distribution over TLS, made by a running node, as OTP's own tests make them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErlangNode } from '../../src/testing/erlang-node.ts'
import { createTemporaryFolder, type TemporaryFolder } from '../../src/testing/temporary-folder.ts'

/** A folder with a certificate for 127.0.0.1 and localhost, and its authority. */
export interface Certificates extends TemporaryFolder {
  /** PEM files. */
  readonly authority: string
  readonly certificate: string
  readonly key: string
  /**
   * `distributionArguments` of a node that shows this certificate, and wants one of the same authority
   * from whoever connects. Its `folders` must hold `path`.
   */
  readonly distributionArguments: readonly string[]
}

/** `node` is of any release, without TLS; it is only asked. */
export async function createCertificates(node: ErlangNode): Promise<Certificates> {
  // Strings of ASCII with \n and \" alone: what Erlang prints is JSON.
  const pems: readonly unknown[] = JSON.parse(
    await node.evaluate(chainOfCertificates, { timeout: 60_000 }),
  )
  const folder = await createTemporaryFolder()
  const authority = join(folder.path, 'authority.pem')
  const certificate = join(folder.path, 'certificate.pem')
  const key = join(folder.path, 'key.pem')
  await writeFile(authority, String(pems[0]))
  await writeFile(certificate, String(pems[1]))
  await writeFile(key, String(pems[2]), { mode: 0o600 })
  const files = `{cacertfile, "${authority}"}, {certfile, "${certificate}"}, {keyfile, "${key}"}`
  const optionsFile = join(folder.path, 'ssl_dist.config')
  await writeFile(
    optionsFile,
    `[{server, [${files}, {verify, verify_peer}, {fail_if_no_peer_cert, true}]},
      {client, [${files}, {verify, verify_peer}]}].\n`,
  )
  return {
    ...folder,
    authority,
    certificate,
    key,
    distributionArguments: ['-proto_dist', 'inet_tls', '-ssl_dist_optfile', optionsFile],
  }
}

/**
 * `public_key:pkix_test_data/1`; {2,5,29,17} is subjectAltName (RFC 5280, 4.2.1.6). `inet_tls_dist`
 * takes the host of a node's name for a DNS name, also where it is an address.
 */
const chainOfCertificates = `
  Names = {'Extension', {2,5,29,17}, false,
           [{dNSName, "localhost"}, {dNSName, "127.0.0.1"}, {iPAddress, <<127,0,0,1>>}]},
  % The defaults, SHA-1 among them, are refused from OTP 26 on.
  Strength = [{digest, sha256}, {key, {namedCurve, secp256r1}}],
  Chain = #{root => Strength, intermediates => [], peer => [{extensions, [Names]} | Strength]},
  #{server_config := Server, client_config := Client} =
    public_key:pkix_test_data(#{server_chain => Chain, client_chain => Chain}),
  {KeyType, Key} = proplists:get_value(key, Server),
  Pem = fun(Type, Der) -> binary_to_list(public_key:pem_encode([{Type, Der, not_encrypted}])) end,
  [
    lists:append([Pem('Certificate', Der) || Der <- proplists:get_value(cacerts, Client)]),
    Pem('Certificate', proplists:get_value(cert, Server)),
    Pem(KeyType, Key)
  ]
`
