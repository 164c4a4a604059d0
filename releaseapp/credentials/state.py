"""How the vault stands towards what is stored."""

from releaseapp.credentials import queries
from releaseapp.credentials.models import Sealed, VaultLocked, VaultState, VaultStatus
from releaseapp.credentials.vault import Vault, no_key, wrong_key
from releaseapp.db.api import Reader

_BATCH = 500


def vault_state(db: Reader, vault: Vault) -> VaultState:
    """Whether the keys given open what is stored; quick, for it asks only which key sealed what."""
    counts = queries.count_by_key(db)
    unknown = sorted(set(counts) - vault.key_ids)
    if vault.key_id is None:
        return VaultState(VaultStatus.WITHOUT_KEY, None, counts, no_key())
    if unknown:
        return VaultState(VaultStatus.LOCKED, vault.key_id, counts, wrong_key(unknown, vault.key_ids))
    if set(counts) - {vault.key_id}:
        waiting = sum(number for key_id, number in counts.items() if key_id != vault.key_id)
        sentence = (
            f"{waiting:,} {'credential is' if waiting == 1 else 'credentials are'} still under the previous key; run"
            " 'releaseapp credentials rotate'."
        )
        return VaultState(VaultStatus.ROTATING, vault.key_id, counts, sentence)
    return VaultState(VaultStatus.READY, vault.key_id, counts, None)


def refuse_unless_open(db: Reader, vault: Vault) -> None:
    """Raises VaultLocked when nothing may be sealed now, so that two keys of which one is lost never mix."""
    state = vault_state(db, vault)
    if not state.takes:
        raise VaultLocked(state.sentence or no_key())


def unreadable(db: Reader, vault: Vault) -> list[Sealed]:
    """Every credential that does not open, each tried; an empty list when all is well."""
    found: list[Sealed] = []
    after = ""
    while batch := queries.list_sealed_after(db, after, _BATCH):
        found += [sealed for sealed in batch if not _opens(vault, sealed)]
        after = batch[-1].state.credential.id
    return found


def _opens(vault: Vault, sealed: Sealed) -> bool:
    credential = sealed.state.credential
    try:
        vault.open(sealed.sealed, credential.workspace_id, credential.id)
    except VaultLocked:
        return False
    return True
