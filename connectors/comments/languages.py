"""Words by which people ask for something else than what is shown, by language.

They are looked for beside an approval, where a wrong guess costs a question in one direction and
money in the other: so the lists are broad, and what is on them and harmless is answered, not run.
All are written as `beside.plain` makes them: small, without accents. `*` stands for any ending.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from countersign.approvals.models import Value

Code = Literal["en", "de", "fr", "es", "it", "pt", "nl"]


class Language(Value):
    """The words of one language, separated by blanks; phrases are written with `_` in between."""

    heads: str
    """What may stand, alone or before a colon, over a list of changes."""
    changes: str
    """Words that speak of changes."""
    conditions: str
    """Words of conditions, of refusal and of numbers."""
    requests: str
    """Words that ask for something, or compare with something else."""
    measures: str
    """Units and terms, which say another thing than what is shown unless they stand there too."""
    harmless: str
    """Phrases with such words in them that ask for nothing."""


_EN = Language(
    heads="change changes modification modifications amendment amendments edit edits "
    "correction corrections adjustment adjustments",
    changes="changes changed changing change modif* amend* adjust* revis* edit edits "
    "edited update updates updating updated replace* replacing substitut* alter alters "
    "altered alteration* correction* corrected tweak* rework* rewrit* renegotiat* better "
    "to_my_account mismatch* correct_it correct_this correct_that correct_the",
    conditions="if unless only just provided providing assuming conditional* condition "
    "conditions subject_to as_long_as so_long_as pending depending depends until till once "
    "when whenever before after first wait waits hold later tomorrow otherwise maybe perhaps "
    "probably possibly might may not no never none nothing nobody cannot dont wont cant "
    "neither nor stop cancel* reject* declin* deny denied refuse* refusing disapprov* "
    "withdraw* revok* undo mistake* wrong incorrect error oops unclear unsure doubt* "
    "question* monday tuesday wednesday thursday friday saturday sunday next_week next_month "
    "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twent* thirt* fort* fift* sixt* sevent* "
    "eight* ninet* hundred* thousand* million* billion* dozen* one_day one_week one_month "
    "one_year one_seat half halve* double* doubling triple* twice maximum minimum at_most "
    "at_least up_to limit* cap capped january february march april june july august september "
    "october november december nope nah disagree* object objection objections veto* abort* "
    "revert* rollback roll_back roll_it_back x n to_be for_everyone rolled_back unapprov* "
    "misclick* accidental* accident against partial* partly in_part in_principle reservation* "
    "third thirds quarter_of",
    requests="but however except excluding without although though instead rather or else "
    "make set use using put take give add adding remove* removing delete* drop include* "
    "exclude* omit skip ignore reduce* reducing reduction increase* increasing decrease* "
    "decreasing lower* raise* cut split round* extend* shorten* move shift switch swap rename "
    "keep leave ask check verify confirm ensure make_sure discuss contact try fix redo let "
    "lets should must shall need needs want wants would could can please prefer* suggest "
    "suggesting suggestion* recommend propose attach* enclosed below above less more fewer "
    "higher smaller bigger larger cheaper shorter longer earlier sooner another other others "
    "different* versus vs too_much too_many too_high too_low too_large too_small too_long "
    "too_short too_expensive too_late too_early expensive pricey overpriced steep risky typo "
    "typos misspel* delay* postpon* defer* tonight installment* instalment* previous* last "
    "usual old cheapest smallest lowest highest draft trial test testing staging via "
    "send_it_to send_to send_this_to ship_it_to see_email see_mail see_e-mail see_chat "
    "see_message new_figures new_numbers new_version call_me ring_me talk_to let's_talk "
    "lets_talk negotiat* upgrade* downgrade* rewrite starting_in on_the_condition",
    measures="dollar dollars buck bucks euro euros pound pounds sterling franc francs yen "
    "yuan peso pesos rupee rupees krona cent cents day days week weeks month months monthly "
    "year years yearly quarter quarters quarterly fortnight hour hours net gross vat tax "
    "taxes discount discounts rebate rebates percent list_price",
    harmless="let_me_have_a_look let_me_look let_me_take_a_look please_go_ahead "
    "please_proceed please_continue please_do please_run_it please_execute please_release "
    "please_send_it yes_please no_objection no_objections no_concern no_concerns no_problem "
    "no_problems no_issue no_issues no_worries no_question no_questions no_comment "
    "no_comments no_remarks no_doubt not_a_problem not_an_issue nothing_to_add "
    "without_objection without_objections why_not all_set go_ahead can_go_ahead can_proceed "
    "can_be_released can_be_sent can_be_executed can_run good_call makes_sense i_confirm "
    "move_ahead move_on just_approved approved_just_now no_changes_needed no_changes_required "
    "no_changes without_changes without_any_changes no_further_comments no_further_questions "
    "please_run you_may_proceed may_proceed let's_go lets_go nothing_against proceed,_please "
    "looks_good_as_proposed as_proposed",
)
_DE = Language(
    heads="anderung anderungen aenderung aenderungen anderungswunsch anderungswunsche "
    "aenderungswunsch aenderungswuensche anpassung anpassungen korrektur korrekturen",
    changes="anderung* aenderung* geandert* geaendert* abgeandert* andern aendern andere* "
    "aendere abandern anpass* angepasst* korrektur* korrigier* modifizier* bearbeit* ersetz* "
    "austausch*",
    conditions="wenn falls sofern sobald solange bevor nachdem erst zuerst nur lediglich "
    "vorausgesetzt vorbehalt* voraussetzung* bedingung* abhangig bis warte* abwart* spater "
    "spaeter morgen sonst vielleicht eventuell evtl ggf gegebenenfalls nicht nichts nie "
    "niemals kein* niemand weder ablehn* abgelehnt* verweiger* stopp* stornier* zuruck* "
    "zurueck* falsch* fehler* montag* dienstag* mittwoch* donnerstag* freitag* samstag* "
    "sonntag* nachste* naechste* null zwei drei vier funf fuenf sechs sieben acht neun zehn "
    "elf zwolf zwoelf dreissig* *zehn *zig *hundert* *tausend* million* milliarde* halb* "
    "halfte haelfte halbier* doppelt* verdoppel* maximal* mindestens hochstens hoechstens "
    "begrenz* januar* februar* marz maerz april mai juni juli august september oktober "
    "november dezember nein ne jein abbrech* abgebrochen* versehen versehentlich* teilweise "
    "zum_teil grundsatzlich grundsaetzlich im_prinzip dagegen widersprech* einspruch drittel "
    "viertel",
    requests="aber jedoch allerdings ausser ausgenommen ohne obwohl statt anstatt "
    "stattdessen lieber oder bitte setz* nimm nehm* mach* verwend* benutz* anders reduzier* "
    "erhoh* erhoeh* senk* verlanger* verlaenger* verkurz* verkuerz* losch* loesch* entfern* "
    "streich* hinzu* erganz* ergaenz* aufteil* behalt* lass* pruf* pruef* abklar* frag* "
    "sollte* soll muss* musst* darf konnte* koennte* kann mochte* moechte* wunsch* wuensch* "
    "brauch* weniger mehr hoher* hoeher* niedriger* kleiner* grosser* groesser* billiger* "
    "gunstiger* guenstiger* langer* laenger* kurzer* kuerzer* fruher* frueher* beschrank* "
    "teuer* tippfehler* uberarbeit* ueberarbeit* nachbesser* verhandel* verschieb* "
    "heute_abend raten ratenzahlung* siehe anruf* ruf_mich rufen alte alten altem alter altes "
    "bisherig* vorherig* vorig* letzt* rausnehm* rausstreich* schick* sende* senden an_kunde",
    measures="dollar* euro euros pfund franken yen tag tage tagen woche wochen monat "
    "monate monaten monatlich* jahr jahre jahren jahrlich* jaehrlich* quartal* netto brutto "
    "mwst mehrwertsteuer* steuer* rabatt* skonto nachlass* listenpreis* prozent",
    harmless="kein_einwand keine_einwande keine_einwaende keine_bedenken kein_problem "
    "keine_probleme keine_fragen keine_anmerkungen nichts_dagegen nichts_einzuwenden "
    "ohne_einwande ohne_einwaende ohne_bedenken bitte_freigeben bitte_fortfahren "
    "bitte_weitermachen bitte_ausfuhren bitte_ausfuehren mach_weiter macht_sinn kann_so_raus "
    "kann_raus guten_morgen keine_weiteren_fragen bitte_weiter keine_anderungen "
    "keine_aenderungen ohne_anderungen ohne_aenderungen ja,_bitte ja_bitte",
)
_FR = Language(
    heads="changement changements modification modifications correction corrections",
    changes="chang* modif* corrig* correction* remplac* rectif* ajust* adapt* edit*",
    conditions="si s'il s'ils seulement uniquement a_condition conditions pourvu lorsque "
    "quand avant apres d'abord attend* demain sinon peut-etre pas ne n'* non jamais rien "
    "aucun* ni refus* rejet* annul* faux fausse erreur* lundi mardi mercredi jeudi vendredi "
    "samedi dimanche zero deux trois quatre cinq sept huit neuf dix onze douze treize "
    "quatorze quinze seize vingt* trente* quarante* cinquante* soixante* cent cents mille "
    "million* milliard* demi* moitie doubl* maximum minimum limit* janvier fevrier mars avril "
    "juin juillet aout septembre octobre novembre decembre partiel* en_partie en_principe "
    "sur_le_principe reserve reserves oppos* contre desaccord tiers quart",
    requests="mais sauf excepte hors sans au_lieu plutot ou mettre mettez mets utilis* "
    "prenez prendre ajout* supprim* enlev* retir* redui* reduc* augment* baiss* diminu* gard* "
    "divis* faut faudrait devrait doit dois devez veux voudr* veuillez pouvez pourr* peux "
    "merci_de plus moins autre* different* superieur* inferieur* verifi* cher chere chers "
    "cheres mauvais* revoir renegoci* negoci* report* decal* ce_soir mensualit* voir_mail "
    "voir_courriel appel* ancien* precedent* dernier* derniere* faute_de_frappe envoy*",
    measures="dollar dollars euro euros livre livres franc francs jour jours semaine "
    "semaines mois mensuel* an ans annee annees trimestre* ht ttc hors_taxes hors_taxe tva "
    "remise* rabais pourcent",
    harmless="s'il_vous_plait s'il_te_plait pas_de_probleme pas_de_problemes "
    "aucun_probleme sans_probleme pas_d'objection aucune_objection sans_objection "
    "rien_a_redire rien_a_signaler pas_de_souci sans_modification sans_modifications "
    "aucun_souci aucune_modification sans_changement sans_changements rien_contre tres_bien "
    "de_ma_part comme_propose pas_d'objections sans_reserve sans_reserves",
)
_ES = Language(
    heads="cambio cambios modificacion modificaciones correccion correcciones ajuste ajustes",
    changes="cambi* modific* correccion* corrig* correg* reemplaz* sustitu* ajust* edit*",
    conditions="si solo solamente unicamente siempre_que con_la_condicion condicion* "
    "cuando antes despues primero espera* manana sino no nunca nada ningun* ni rechaz* "
    "cancel* error* equivocad* lunes martes miercoles jueves viernes sabado domingo cero dos "
    "tres cuatro cinco siete ocho nueve diez once doce quince veint* treinta cuarenta "
    "cincuenta sesenta cien ciento* mil millon* mitad doble maximo minimo limit* enero "
    "febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre "
    "parcial* en_principio reserva reservas desacuerdo opong* contra tercio cuarto",
    requests="pero salvo excepto sin en_lugar en_vez pon poner ponga usa usar use utiliz* "
    "quit* elimin* agreg* anad* reduc* reduz* aument* baja bajar baje sube subir suba debe* "
    "deberia* hay_que quiero queremos necesit* puede* podria* menos mas mayor menor otro otra "
    "otros otras diferente* caro cara caros caras demasiado negoci* renegoci* pospon* aplaz* "
    "esta_noche plazos ver_correo llam* anterior* ultimo ultima ultimos ultimas viejo vieja "
    "errata* envi*",
    measures="dolar dolares euro euros libra libras peso pesos dia dias semana semanas mes "
    "meses mensual* ano anos trimestre* neto bruto iva descuento* rebaja*",
    harmless="no_hay_problema sin_problema sin_problemas ningun_problema sin_objeciones "
    "ninguna_objecion no_hay_objeciones nada_en_contra sin_novedad sin_cambios ningun_cambio "
    "nada_que_cambiar sin_reservas",
)
_IT = Language(
    heads="modifica modifiche cambiamento cambiamenti variazione variazioni correzione correzioni",
    changes="modific* cambi* variazion* correzion* corregg* sostitu* rettific* adegu*",
    conditions="se solo soltanto solamente purche condizion* quando prima_di prima_che "
    "dopo aspett* domani altrimenti non mai niente nulla nessun* rifiut* annull* errore "
    "sbagliat* lunedi martedi mercoledi giovedi venerdi sabato domenica quattro cinque sette "
    "otto nove dieci undici dodici venti trenta quaranta cinquanta cento mille *mila milion* "
    "meta doppio massimo minimo limit* gennaio febbraio marzo aprile maggio giugno luglio "
    "agosto settembre ottobre novembre dicembre parzial* in_linea_di_principio riserv* "
    "contrari* terzo quarto",
    requests="ma salvo tranne eccetto senza invece piuttosto oppure metti mettere usa "
    "usare togli* elimin* aggiung* ridu* aument* abbass* dimezz* raddoppi* deve dovrebbe "
    "vogl* bisogna puo potrebbe meno piu maggiore minore altro altra diverso diversa caro "
    "cara troppo negozi* rinvi* stasera rate vedi_mail vedi_email chiam* precedent* ultimo "
    "ultima vecchio vecchia refuso invia* manda*",
    measures="dollaro dollari euro sterlin* franchi giorno giorni settimana settimane mese "
    "mesi mensil* anno anni trimestr* netto lordo iva sconto sconti",
    harmless="nessun_problema senza_problemi nessuna_obiezione senza_obiezioni "
    "niente_in_contrario nulla_in_contrario senza_modifiche nessuna_modifica senza_riserve",
)
_PT = Language(
    heads="alteracao alteracoes mudanca mudancas modificacao modificacoes correcao correcoes",
    changes="alter* mudanc* mudar mude modific* correcao correcoes corrig* substitu* troc* ajust*",
    conditions="se apenas somente desde_que condic* quando antes depois primeiro aguard* "
    "amanha senao nao nunca nada nenhum* nem rejeit* cancel* erro* errad* segunda-feira "
    "terca-feira quarta-feira quinta-feira sexta-feira dois duas quatro cinco seis sete oito "
    "nove dez onze doze quinze vinte trinta quarenta cinquenta cem cento* mil milh* metade "
    "dobro maximo minimo limit* janeiro fevereiro marco abril maio junho julho agosto "
    "setembro outubro novembro dezembro parcial* em_principio reserva reservas discord* "
    "contra terco quarto",
    requests="mas exceto sem em_vez ou coloc* coloque use usar remov* adicion* reduz* "
    "aument* baix* deve deveria precis* quero pode poderia menos mais maior menor outro outra "
    "outros outras caro cara negoci* adiar adie esta_noite prestac* ver_e-mail ligue "
    "anterior* ultimo ultima antigo antiga envi*",
    measures="dolar dolares euro euros libra libras real reais dia dias semana semanas mes "
    "meses mensal* ano anos trimestre* liquido bruto iva desconto*",
    harmless="sem_problema sem_problemas nenhum_problema sem_objecoes nenhuma_objecao "
    "nada_contra nada_a_opor se_aprueba se_autoriza se_acepta sem_alteracoes "
    "nenhuma_alteracao sem_reservas",
)
_NL = Language(
    heads="wijziging wijzigingen aanpassing aanpassingen correctie correcties",
    changes="wijzig* gewijzigd* aanpas* aangepast* verander* correctie* corrigeer* vervang*",
    conditions="als mits tenzij alleen slechts voorwaarde* eerst voordat nadat zodra "
    "totdat wacht* later morgen anders misschien niet niets nooit geen niemand afgewezen "
    "weiger* annuleer* fout* maandag dinsdag woensdag donderdag vrijdag zaterdag zondag twee "
    "drie vier vijf zes zeven acht negen tien elf twaalf twintig dertig veertig vijftig "
    "honderd* duizend* miljoen* half helft dubbel* maximaal minimaal hoogstens minstens "
    "beperk* januari februari maart april juni juli augustus september oktober november "
    "december nee gedeeltelijk deels in_principe bezwaar bezwaren tegen oneens derde kwart",
    requests="maar behalve zonder in_plaats liever verlaag* verhoog* verwijder* gebruik* "
    "maak zet neem moet zou kun kan graag_met minder meer hoger lager kleiner groter "
    "goedkoper korter langer ander andere duur te_duur onderhandel* uitstel* vanavond "
    "termijn* zie_mail bel_me vorig* oude typefout* stuur*",
    measures="dollar dollars euro euro's pond dag dagen week weken maand maanden "
    "maandelijks jaar jaren kwartaal* netto bruto btw korting*",
    harmless="geen_probleem geen_bezwaar geen_bezwaren geen_opmerkingen geen_vragen "
    "zonder_bezwaar geen_wijzigingen zonder_wijzigingen niets_tegen",
)

LANGUAGES: Mapping[Code, Language] = {
    "en": _EN,
    "de": _DE,
    "fr": _FR,
    "es": _ES,
    "it": _IT,
    "pt": _PT,
    "nl": _NL,
}
"""English is always among those that are read: it is what tickets say themselves."""
