"""Verbs: what people do with things, and what things are and do."""

from nmtk.recipe.phrases.grammar import Verb, verb

_BUY = verb("buy buys bought", "kaufen kaufe kaufst kauft gekauft")
_SELL = verb("sell sells sold", "verkaufen verkaufe verkaufst verkauft verkauft")
_NEED = verb("need needs needed", "brauchen brauche brauchst braucht gebraucht", willed=False)
_TAKE = verb("take takes took", "nehmen nehme nimmst nimmt genommen")
_FIND = verb("find finds found", "finden finde findest findet gefunden", willed=False)
_ORDER = verb("order orders ordered", "bestellen bestelle bestellst bestellt bestellt")

FOOD = (
    _BUY,
    _SELL,
    _NEED,
    _TAKE,
    _ORDER,
    verb("eat eats ate", "essen esse isst isst gegessen"),
)
SMALL = (
    _BUY,
    _SELL,
    _NEED,
    _TAKE,
    _FIND,
    verb("look_for looks_for looked_for", "suchen suche suchst sucht gesucht"),
    verb("pick_up picks_up picked_up", "holen hole holst holt abgeholt", "ab"),
    verb("throw_away throws_away threw_away", "werfen werfe wirfst wirft weggeworfen", "weg"),
)
LARGE = (
    _BUY,
    _SELL,
    _NEED,
    _FIND,
    _ORDER,
    verb("clean cleans cleaned", "putzen putze putzt putzt geputzt"),
    verb("pick_up picks_up picked_up", "holen hole holst holt abgeholt", "ab"),
)
MEASURED = (_BUY, _NEED, _ORDER, _SELL)
"""What is done with litres and kilos."""

GIVE = (
    verb("give gives gave", "geben gebe gibst gibt gegeben"),
    verb("show shows showed", "zeigen zeige zeigst zeigt gezeigt"),
    verb("send sends sent", "schicken schicke schickst schickt geschickt"),
    verb("lend lends lent", "leihen leihe leihst leiht geliehen"),
)
"""To someone, in the dative."""

MEET = (
    verb("visit visits visited", "besuchen besuche besuchst besucht besucht"),
    verb("meet meets met", "treffen treffe triffst trifft getroffen"),
    verb("call calls called", "rufen rufe rufst ruft angerufen", "an"),
    verb("invite invites invited", "laden lade lädst lädt eingeladen", "ein"),
)
"""Someone, in the accusative."""

LEAVE = (
    verb("leave leaves left", "fahren fahre fährst fährt abgefahren", "ab", being=True, willed=False),
    verb("arrive arrives arrived", "kommen komme kommst kommt angekommen", "an", being=True, willed=False),
)
START = (
    verb("begin begins began", "beginnen beginne beginnst beginnt begonnen", willed=False),
    verb("start starts started", "fangen fange fängst fängt angefangen", "an", willed=False),
    verb("stop stops stopped", "hören höre hörst hört aufgehört", "auf", willed=False),
)
DAILY = (
    verb("get_up gets_up got_up", "stehen stehe stehst steht aufgestanden", "auf", being=True),
    verb("wake_up wakes_up woke_up", "wachen wache wachst wacht aufgewacht", "auf", being=True, willed=False),
    verb("arrive arrives arrived", "kommen komme kommst kommt angekommen", "an", being=True, willed=False),
    verb("come_back comes_back came_back", "kommen komme kommst kommt zurückgekommen", "zurück", being=True),
)
WORK = verb("work works worked", "arbeiten arbeite arbeitest arbeitet gearbeitet")
TRAVEL = verb("travel travels travelled", "fahren fahre fährst fährt gefahren", being=True)
COST = verb("cost costs cost", "kosten koste kostest kostet gekostet", willed=False)
WEIGH = verb("weigh weighs weighed", "wiegen wiege wiegst wiegt gewogen", willed=False)

BE = Verb(
    english=("am", "are", "is", "are"),
    english_past=("was", "were", "was", "were"),
    base="be",
    german=("bin", "bist", "ist", "sind"),
    infinitive="sein",
    participle="gewesen",
    german_past=("war", "warst", "war", "waren"),
    copula=True,
)
